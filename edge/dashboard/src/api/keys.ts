import { infiniteQueryOptions, queryOptions, type QueryClient } from '@tanstack/react-query'
import { api, must, page, type Schemas } from './client'

// Permissions are those of the registry, which the session names: services of one's own add to it.
export type Key = Omit<Schemas['ApiKey'], 'permissions' | 'effectivePermissions'> & {
  permissions: string[]
  effectivePermissions: string[]
  /** The last 24 hours, the oldest first; in lists. */
  activity?: { allowed: number; denied: number }[]
}
type Body = Schemas['CreateApiKeyRequest']
export type NewKey = { key: Key; secret: string }
export type Settings = Pick<Key, 'name' | 'description' | 'permissions' | 'allowedIps' | 'expiresAt' | 'rateLimits'>

export type Filter = {
  search?: string
  status?: 'ACTIVE' | 'DISABLED' | 'EXPIRED'
  unusedDays?: number
  agentId?: string
}

/** How often a list and a chart that are looked at are asked for again, in milliseconds. */
const REFRESH = 15_000

const K = '/v1/console/agents/{agentId}/api-keys/{id}'
const at = (key: Pick<Key, 'id' | 'agent'>) => ({ path: { agentId: key.agent.id, id: key.id } })

/** Everything about keys in the cache begins with this. */
export const KEYS = ['keys']

export const keysQuery = (filter: Filter) =>
  infiniteQueryOptions({
    queryKey: [...KEYS, 'list', filter],
    queryFn: ({ pageParam, signal }) => {
      const { agentId, ...query } = filter
      const all = { ...query, include: ['activity'], cursor: pageParam || undefined }
      return page<Key>(
        agentId
          ? api.GET('/v1/console/agents/{agentId}/api-keys', { params: { path: { agentId }, query: all }, signal })
          : api.GET('/v1/console/api-keys', { params: { query: all }, signal }),
      )
    },
    initialPageParam: '',
    getNextPageParam: last => last.next,
    refetchInterval: REFRESH,
  })

/** The names of the queries of one key. */
const ofKey = (agentId: string, id: string, ...rest: unknown[]) => [...KEYS, 'one', agentId, id, ...rest]

export const keyQuery = (agentId: string, id: string) =>
  queryOptions({
    queryKey: ofKey(agentId, id),
    queryFn: ({ signal }) => must(api.GET(K, { params: { path: { agentId, id } }, signal })) as Promise<Key>,
    refetchInterval: REFRESH,
  })

export const createKey = (agentId: string, body: Settings, idempotencyKey: string) =>
  must(
    api.POST('/v1/console/agents/{agentId}/api-keys', {
      params: { path: { agentId }, header: { 'Idempotency-Key': idempotencyKey } },
      body: body as Body,
    }),
  ) as Promise<NewKey>

/** Changes only what is named, and only if nobody else has changed the key since `key` was read. */
export const updateKey = (key: Key, body: Partial<Settings>) =>
  must(
    api.PATCH(K, { params: { ...at(key), header: { 'If-Match': `"${key.version}"` } }, body: body as Partial<Body> }),
  ) as Promise<Key>

export const deleteKey = (key: Key) => must(api.DELETE(K, { params: at(key) }))

export const rotateKey = (key: Key, overlapSeconds: number) =>
  must(api.POST(`${K}:rotate`, { params: at(key), body: { overlapSeconds } })) as Promise<NewKey>

export const endOverlap = (key: Key) => must(api.POST(`${K}:endOverlap`, { params: at(key) }))
export const disableKey = (key: Key) => must(api.POST(`${K}:disable`, { params: at(key) }))
export const enableKey = (key: Key) => must(api.POST(`${K}:enable`, { params: at(key) }))

/** Asks again for everything that shows keys. */
export const keysChanged = (client: QueryClient) => client.invalidateQueries({ queryKey: KEYS })

/** Asks again for everything that shows keys, but not for this one: it would only be told that it is gone. */
export const keyDeleted = (client: QueryClient, key: Key) => {
  const gone = ofKey(key.agent.id, key.id)
  void client.cancelQueries({ queryKey: gone })
  return client.invalidateQueries({
    queryKey: KEYS,
    predicate: ({ queryKey }) => !gone.every((part, at) => queryKey[at] === part),
  })
}

export type Usage = Omit<Schemas['GetApiKeyUsageResponse'], 'unusedPermissions'> & { unusedPermissions: string[] }
export type Denial = Usage['recentDenials'][number]
export type Granularity = 'MINUTE' | 'HOUR' | 'DAY'

export const usageQuery = (key: Key, range: string, of: () => { from: string; to: string; granularity: Granularity }) =>
  queryOptions({
    queryKey: ofKey(key.agent.id, key.id, 'usage', range),
    queryFn: ({ signal }) =>
      must(api.GET(`${K}/usage`, { params: { ...at(key), query: of() }, signal })) as Promise<Usage>,
    refetchInterval: REFRESH,
    placeholderData: before => before,
  })

export const addressesQuery = (key: Key, days: number) =>
  queryOptions({
    queryKey: ofKey(key.agent.id, key.id, 'addresses', days),
    queryFn: ({ signal }) => must(api.GET(`${K}/addresses`, { params: { ...at(key), query: { days } }, signal })),
  })

export type LoggedRequest = Schemas['LoggedRequest']

export const requestsQuery = (
  key: Pick<Key, 'id' | 'agent'>,
  query: { code?: string; from?: string; limit?: number },
) =>
  infiniteQueryOptions({
    queryKey: ofKey(key.agent.id, key.id, 'requests', query),
    queryFn: ({ pageParam, signal }) =>
      page<LoggedRequest>(
        api.GET(`${K}/requests`, {
          params: { ...at(key), query: { ...query, cursor: pageParam || undefined } },
          signal,
        }),
      ),
    initialPageParam: '',
    getNextPageParam: last => last.next,
  })

/** The newest requests of a key. */
export const newestRequests = async (key: Key, limit: number, signal: AbortSignal) =>
  (await page<LoggedRequest>(api.GET(`${K}/requests`, { params: { ...at(key), query: { limit } }, signal }))).items

export const requestQuery = (requestId: string) =>
  queryOptions({
    queryKey: [...KEYS, 'request', requestId],
    queryFn: ({ signal }) =>
      must(
        api.GET('/v1/console/requests/{requestId}', { params: { path: { requestId } }, signal }),
      ) as Promise<LoggedRequest>,
    retry: false,
  })

const explain = (key: Pick<Key, 'id' | 'agent'>, requestId: string) =>
  must(api.POST(`${K}:explain`, { params: at(key), body: { requestId } }))
export type Explanation = Awaited<ReturnType<typeof explain>>

export const explainQuery = (key: Pick<Key, 'id' | 'agent'>, requestId: string) =>
  queryOptions({
    queryKey: ofKey(key.agent.id, key.id, 'explain', requestId),
    queryFn: () => explain(key, requestId),
    staleTime: Infinity,
  })
