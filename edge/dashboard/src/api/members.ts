import { queryOptions } from '@tanstack/react-query'
import { api, must, page, type Schemas } from './client'

export type Member = Schemas['Member']
/** A role that can be given: there is one owner, who is made at setup. */
export type GivenRole = 'ADMIN' | 'USER'

/** An organization has few members: all of them, newest first. */
export const membersQuery = queryOptions({
  queryKey: ['members'],
  queryFn: async ({ signal }) => {
    const members: Member[] = []
    let cursor: string | undefined
    do {
      const query = { limit: 100, cursor }
      const { items, next } = await page<Member>(api.GET('/v1/console/members', { params: { query }, signal }))
      members.push(...items)
      cursor = next ?? undefined
    } while (cursor)
    return members
  },
})

/** The answer alone has the link, as `inviteUrl`. */
export const invite = (email: string, role: GivenRole) =>
  must<Member>(api.POST('/v1/console/members', { body: { email, role } }))

/** A new link for somebody who has not come in yet; the one before ends. */
export const inviteAgain = (id: string) =>
  must<Member>(api.POST('/v1/console/members/{id}:invite', { params: { path: { id } } }))

export const changeRole = (id: string, role: GivenRole) =>
  must(api.PATCH('/v1/console/members/{id}', { params: { path: { id } }, body: { role } }))

export const remove = (id: string) => must(api.DELETE('/v1/console/members/{id}', { params: { path: { id } } }))

/** A link that sets a new password, in this answer only. */
export const resetLink = (id: string) =>
  must<{ resetUrl: string; expiresAt: string }>(
    api.POST('/v1/console/members/{id}:resetPassword', { params: { path: { id } } }),
  )
