import { infiniteQueryOptions } from '@tanstack/react-query'
import { api, page, type Schemas } from './client'

export type AuditEntry = Schemas['AuditEntry']
export type AuditFilter = {
  actor?: string
  action?: string
  resourceType?: string
  resourceId?: string
  from?: string
  to?: string
}

export const auditQuery = (filter: AuditFilter) =>
  infiniteQueryOptions({
    queryKey: ['audit', filter],
    queryFn: ({ pageParam, signal }) =>
      page<AuditEntry>(
        api.GET('/v1/console/audit-log', { params: { query: { ...filter, cursor: pageParam || undefined } }, signal }),
      ),
    initialPageParam: '',
    getNextPageParam: last => last.next,
  })

/** The newest entry about a resource. */
export async function lastChangeOf(resourceId: string): Promise<AuditEntry | null> {
  const entries = await page<AuditEntry>(
    api.GET('/v1/console/audit-log', { params: { query: { resourceId, limit: 1 } } }),
  )
  return entries.items[0] ?? null
}

/** The entry that tells of the end of a key. */
export const deletionOf = async (resourceId: string): Promise<AuditEntry | null> =>
  (
    await page<AuditEntry>(
      api.GET('/v1/console/audit-log', { params: { query: { resourceId, action: 'api_key.deleted', limit: 1 } } }),
    )
  ).items[0] ?? null
