import { infiniteQueryOptions, queryOptions, type QueryClient } from '@tanstack/react-query'
import { api, must, page, type Page as ListPage, type Schemas } from './client'

/** A document and what was found in it. */
export type Job = Omit<Schemas['Job'], 'createdAt' | 'status' | 'updatedAt' | 'result' | 'schema'> & {
  createdAt: string
  updatedAt: string
  status: Status
  result: { data: unknown; fields: Field[]; notices?: DocumentNotice[] } | null
  schema: Schema | null
}
export type Status = 'QUEUED' | 'RUNNING' | 'SUCCEEDED' | 'FAILED'
/** A leaf of a result. */
export type Field = Omit<Schemas['ResultField'], 'value'> & { value?: unknown }
/** What a person should know of how a document was read. */
export type DocumentNotice = Omit<Schemas['DocumentNotice'], 'kind'> & { kind?: string | null }
export type Correction = { path: string; value: unknown }
export type Template = Omit<Schemas['Template'], 'schema'> & { schema: Schema | null }
export type DocumentPage = Schemas['Page']
export type Word = Schemas['PageWord']
export type Box = Schemas['BoundingBox']
/** A JSON Schema, as much of it as pages need. */
export type Schema = {
  type?: string | string[]
  title?: string
  format?: string
  enum?: unknown[]
  properties?: Record<string, Schema>
  items?: Schema
  $ref?: string
  $defs?: Record<string, Schema>
}

/** Everything about documents in the cache begins with this. */
export const DOCUMENTS = 'documents'

const D = '/v1/console/agents/{agentId}/documents'
const ONE = `${D}/{id}` as const
/** How soon what moves is looked at again, in milliseconds. */
const SOON = 1_500

/** Whether it will be another one without anybody doing anything. */
const moves = (job: Pick<Job, 'status'>) => job.status === 'QUEUED' || job.status === 'RUNNING'

export type DocumentsFilter = { status?: Status; template?: string }

export const documentsQuery = (agentId: string, filter: DocumentsFilter) =>
  infiniteQueryOptions({
    queryKey: [DOCUMENTS, agentId, 'list', filter],
    queryFn: ({ pageParam, signal }) =>
      page(
        api.GET(D, {
          params: { path: { agentId }, query: { ...filter, limit: 50, cursor: pageParam || undefined } },
          signal,
        }),
      ) as Promise<ListPage<Job>>,
    initialPageParam: '',
    getNextPageParam: last => last.next,
    refetchInterval: ({ state }) => (state.data?.pages.some(({ items }) => items.some(moves)) ? SOON : false),
  })

export const documentQuery = (agentId: string, id: string) =>
  queryOptions({
    queryKey: [DOCUMENTS, agentId, 'one', id],
    queryFn: ({ signal }) => must(api.GET(ONE, { params: { path: { agentId, id } }, signal })) as Promise<Job>,
    refetchInterval: ({ state }) => (state.data && (moves(state.data) || state.data.learning?.pending) ? SOON : false),
  })

/** A page as it was read. It never changes. */
export const pageQuery = (agentId: string, id: string, number: number) =>
  queryOptions({
    queryKey: [DOCUMENTS, agentId, 'one', id, 'page', number],
    queryFn: ({ signal }) =>
      must(
        api.GET(`${ONE}/pages/{page}`, { params: { path: { agentId, id, page: number } }, signal }),
      ) as Promise<DocumentPage>,
    staleTime: Infinity,
  })

/** Where its picture is. */
export const pictureOf = (agentId: string, id: string, number: number) =>
  `/v1/console/agents/${agentId}/documents/${id}/pages/${number}/image`

export const templatesQuery = (agentId: string) =>
  queryOptions({
    queryKey: [DOCUMENTS, agentId, 'templates'],
    queryFn: async ({ signal }) =>
      (
        (await page(
          api.GET('/v1/console/agents/{agentId}/document-templates', {
            params: { path: { agentId }, query: { limit: 100 } },
            signal,
          }),
        )) as ListPage<Template>
      ).items,
    staleTime: 60_000,
  })

/** What the documents of an agent may be read by: the engine that comes with Keyward, then language models. */
export const enginesQuery = (agentId: string) =>
  queryOptions({
    queryKey: [DOCUMENTS, agentId, 'engines'],
    queryFn: ({ signal }) =>
      must(
        api.GET('/v1/console/agents/{agentId}/document-engines', { params: { path: { agentId } }, signal }),
      ) as Promise<Schemas['Engine'][]>,
    staleTime: 60_000,
  })

/** What is to be found in a document, and by which engine if it is not the one that comes with Keyward. */
export type Wanted = ({ template: string } | { schema: unknown }) & { engine?: string }

/** Sends a document. What is wanted stands before the file, as the server reads a form. */
export function sendDocument(agentId: string, file: File, wanted: Wanted, idempotencyKey: string): Promise<Job> {
  const form = new FormData()
  if (wanted.engine) form.append('options', JSON.stringify({ engine: wanted.engine }))
  if ('template' in wanted) form.append('template', wanted.template)
  else form.append('schema', JSON.stringify(wanted.schema))
  form.append('file', file)
  return must(
    api.POST(D, {
      params: { path: { agentId }, header: { 'Idempotency-Key': idempotencyKey } },
      body: {} as never,
      bodySerializer: () => form,
    }),
  ) as Promise<Job>
}

/** Sets all corrections of a document. */
export const correctDocument = (agentId: string, id: string, corrections: Correction[]) =>
  must(api.PATCH(ONE, { params: { path: { agentId, id } }, body: { corrections } as never })) as Promise<Job>

export const deleteDocument = (agentId: string, id: string) =>
  must(api.DELETE(ONE, { params: { path: { agentId, id } } }))

/** Asks again for what lists documents. */
export const documentsChanged = (client: QueryClient, agentId: string) =>
  client.invalidateQueries({ queryKey: [DOCUMENTS, agentId, 'list'] })
