import { queryOptions } from '@tanstack/react-query'
import { api, must, type Schemas } from './client'
import { KEYS } from './keys'

/** A key that expires, or the old secret of one that ends. */
export type Notice = Schemas['Notice']

/** How often they are asked for again while somebody looks, in milliseconds: they change with the hours. */
const REFRESH = 60_000

/** What ends soon, of one agent or of all; the first to end comes first. */
export const noticesQuery = (agentId?: string) =>
  queryOptions({
    queryKey: [...KEYS, 'notices', agentId],
    queryFn: ({ signal }) => must(api.GET('/v1/console/notices', { params: { query: { agentId } }, signal })),
    refetchInterval: REFRESH,
  })
