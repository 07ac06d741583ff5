import type { Member } from '../../api/members'

/** What a member is called: by name, or by mail while they have none. */
export const called = (member: Pick<Member, 'name' | 'email'>): string => member.name || member.email
