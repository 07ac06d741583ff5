import { queryOptions } from '@tanstack/react-query'
import { api, must, page, type Schemas } from './client'
import { keep, type Role } from './session'

/** A browser that is signed in. */
export type SignedIn = Schemas['Session']

export const sessionsQuery = queryOptions({
  queryKey: ['sessions'],
  queryFn: ({ signal }) => must<SignedIn[]>(api.GET('/v1/console/sessions', { signal })),
})

export const endSession = (id: string) => must(api.DELETE('/v1/console/sessions/{id}', { params: { path: { id } } }))

/** Other sessions end with it, and this one goes on with a new cookie. */
export const changePassword = async (current: string, fresh: string) =>
  keep(await must(api.POST('/v1/console/passwords:change', { body: { current, new: fresh } })))

export type Token = Schemas['Token']

export const tokensQuery = queryOptions({
  queryKey: ['tokens'],
  queryFn: async ({ signal }) =>
    (await page<Token>(api.GET('/v1/console/tokens', { params: { query: { limit: 100 } }, signal }))).items,
})

/** The secret is in this answer only. */
export const createToken = (token: { name: string; role: Role; expiresAt?: string }) =>
  must<{ token: Token; secret: string }>(api.POST('/v1/console/tokens', { body: token }))

export const deleteToken = (id: string) => must(api.DELETE('/v1/console/tokens/{id}', { params: { path: { id } } }))

/** What the door offers. */
export type SignInMethods = Schemas['ListSignInMethodsResponse']

export const signInMethodsQuery = queryOptions({
  queryKey: ['sign-in-methods'],
  queryFn: ({ signal }) => must<SignInMethods>(api.GET('/v1/console/sign-in-methods', { signal })),
  staleTime: 5 * 60_000,
})

/** What the setup page asks for. */
export type Setup = { token: string; organization: string; name: string; email: string; password: string }

export const setUp = async (setup: Setup) => keep(await must(api.POST('/v1/console/setup', { body: setup })))

export const acceptInvitation = async (token: string, name: string, password: string) =>
  keep(await must(api.POST('/v1/console/invitations:accept', { body: { token, name, password } })))

/** Answers the same whether or not somebody has the address. */
export const requestPasswordReset = (email: string) =>
  must(api.POST('/v1/console/passwords:requestReset', { body: { email } }))

export const resetPassword = (token: string, password: string) =>
  must(api.POST('/v1/console/passwords:reset', { body: { token, password } }))
