import { queryOptions, useQuery, type QueryClient } from '@tanstack/react-query'
import { api, must, setCsrfToken, type Schemas } from './client'

export type Role = Schemas['Role']

/** A scope of the registry: what the permission step, the badges and the sentence are made of. */
export type Scope = Schemas['RegisteredScope']

/** Who is signed in, and what the pages need to know. Without the CSRF token, which the client keeps. */
export type Session = Omit<Schemas['SignedIn'], 'csrfToken'>

/** The CSRF token goes to the client and stays out of the cache. */
export function keep({ csrfToken, ...session }: Schemas['SignedIn']): Session {
  setCsrfToken(csrfToken ?? '')
  return session
}

const load = async () => keep(await must(api.GET('/v1/console/session')))

export const sessionQuery = queryOptions({ queryKey: ['session'], queryFn: load, staleTime: 5 * 60_000, retry: false })

/** The session of a page within the shell, which shows none before it is known. */
export function useSession(): Session {
  const { data } = useQuery(sessionQuery)
  if (!data) throw new Error('no session')
  return data
}

/** Whether the member may change things: owners and admins. The server decides; this only hides what it would refuse. */
export const useCanWrite = () => useSession().member.role !== 'USER'

export const signIn = async (email: string, password: string) =>
  keep(await must(api.POST('/v1/console/sessions', { body: { email, password } })))

/** Ends the session. Other tabs learn of it by their next 401. */
export async function signOut(client: QueryClient) {
  await must(api.DELETE('/v1/console/session'))
  setCsrfToken('')
  client.clear()
  location.replace('/sign-in')
}
