import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query'
import { api, must, page, type Schemas } from './client'

export type Import = Schemas['ContactImport']
export type RefusedRow = Schemas['ImportError']

/** How an import is asked for. */
export type ImportOptions = {
  /** The name that it is found by while it runs. */
  label: string
  dryRun: boolean
  onDuplicate: 'allow' | 'reject' | 'update'
  delimiter: string
  /** What a column is, by its name; an empty text leaves it out. */
  mapping: Record<string, string>
  /** Whether columns that are not mapped are left out. */
  ignoreUnknownColumns: boolean
  locale?: string
  dateFormat?: string
  region?: string
}

const I = '/v1/console/agents/{agentId}/contact-imports'

/** The query of that call. `mapping` has a parameter for each column, named after it. */
export function importQuery({ mapping, ...options }: ImportOptions): string {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(options)) {
    if (value !== undefined && value !== '' && value !== false) query.set(name, String(value))
  }
  for (const [column, field] of Object.entries(mapping)) query.set(`mapping.${column}`, field)
  return query.toString()
}

/**
 * Sends the file and answers when all of its rows were read. Giving up ends the import where it stands; sent again with
 * the same `idempotencyKey` it goes on there.
 */
export const importContacts = (
  agentId: string,
  file: File,
  options: ImportOptions,
  signal: AbortSignal,
  idempotencyKey?: string,
) =>
  must<Import>(
    api.POST('/v1/console/agents/{agentId}/contacts:import', {
      params: { path: { agentId }, header: { 'Idempotency-Key': idempotencyKey } },
      querySerializer: () => importQuery(options),
      body: file as never,
      bodySerializer: (content: unknown) => content as File,
      headers: { 'Content-Type': 'text/csv' },
      signal,
    }),
  )

/** An import while it runs, by its label; null until it has begun. */
export const importByLabel = async (agentId: string, label: string, signal: AbortSignal): Promise<Import | null> => {
  const { items } = await page<Import>(
    api.GET(I, { params: { path: { agentId }, query: { label, limit: 1 } }, signal }),
  )
  return items[0] ?? null
}

export const importsQuery = (agentId: string) =>
  infiniteQueryOptions({
    queryKey: ['imports', agentId, 'list'],
    queryFn: ({ pageParam, signal }) =>
      page<Import>(
        api.GET(I, { params: { path: { agentId }, query: { limit: 50, cursor: pageParam || undefined } }, signal }),
      ),
    initialPageParam: '',
    getNextPageParam: last => last.next,
    refetchInterval: 15_000,
  })

export const importOneQuery = (agentId: string, id: string) =>
  queryOptions({
    queryKey: ['imports', agentId, 'one', id],
    queryFn: ({ signal }) => must<Import>(api.GET(`${I}/{id}`, { params: { path: { agentId, id } }, signal })),
    // While it runs somebody looks at how far it is.
    refetchInterval: query => (query.state.data?.status === 'RUNNING' ? 1_000 : false),
  })

export const importErrorsQuery = (agentId: string, id: string) =>
  infiniteQueryOptions({
    queryKey: ['imports', agentId, 'errors', id],
    queryFn: ({ pageParam, signal }) =>
      page<RefusedRow>(
        api.GET(`${I}/{id}/errors`, {
          params: { path: { agentId, id }, query: { limit: 100, cursor: pageParam || undefined } },
          signal,
        }),
      ),
    initialPageParam: '',
    getNextPageParam: last => last.next,
  })
