import { queryOptions, type QueryClient } from '@tanstack/react-query'
import { api, must } from './client'
import { DOCUMENTS, type Template } from './documents'

/** A schema under a name, that the organization has made. */
export type OwnTemplate = Omit<Template, 'createdAt'> & { createdAt: string }
/** What a version says. */
export type TemplateContent = { title: string; description: string; schema: object }

const T = '/v1/console/extraction-templates'
const VERSIONS = `${T}/{name}/versions` as const

/** Everything about own templates in the cache begins with this. */
const TEMPLATES = ['own-templates']
const ofOne = (name: string) => [...TEMPLATES, 'one', name]

/** At most 100, by name, each in its latest version. */
export const ownTemplatesQuery = queryOptions({
  queryKey: [...TEMPLATES, 'list'],
  queryFn: ({ signal }) => must(api.GET(T, { signal })) as Promise<OwnTemplate[]>,
})

/** A template in its latest version, or in another one. */
export const ownTemplateQuery = (name: string, version?: number) =>
  queryOptions({
    queryKey: [...ofOne(name), version],
    queryFn: ({ signal }) =>
      must(api.GET(`${T}/{name}`, { params: { path: { name }, query: { version } }, signal })) as Promise<OwnTemplate>,
  })

/** The latest first, without their schemas. */
export const versionsQuery = (name: string) =>
  queryOptions({
    queryKey: [...ofOne(name), 'versions'],
    queryFn: ({ signal }) => must(api.GET(VERSIONS, { params: { path: { name } }, signal })) as Promise<OwnTemplate[]>,
  })

export const createTemplate = (name: string, content: TemplateContent, idempotencyKey: string) =>
  must(
    api.POST(T, {
      params: { header: { 'Idempotency-Key': idempotencyKey } },
      body: { name, ...content } as never,
    }),
  ) as Promise<OwnTemplate>

export const addVersion = (name: string, content: TemplateContent, idempotencyKey: string) =>
  must(
    api.POST(VERSIONS, {
      params: { path: { name }, header: { 'Idempotency-Key': idempotencyKey } },
      body: content as never,
    }),
  ) as Promise<OwnTemplate>

export const deleteTemplate = (name: string) => must(api.DELETE(`${T}/{name}`, { params: { path: { name } } }))

/** Asks again for what shows templates; documents offer them, too. */
export const templatesChanged = (client: QueryClient) =>
  Promise.all([client.invalidateQueries({ queryKey: TEMPLATES }), client.invalidateQueries({ queryKey: [DOCUMENTS] })])

/** Forgets it, and asks again for what lists templates. */
export function templateDeleted(client: QueryClient, name: string) {
  client.removeQueries({ queryKey: ofOne(name) })
  return templatesChanged(client)
}
