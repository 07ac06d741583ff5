import { infiniteQueryOptions, queryOptions, type QueryClient } from '@tanstack/react-query'
import { api, must, page, type Schemas } from './client'

export type Contact = Schemas['Contact']
export type Stage = Schemas['ContactStage']
export type NewContact = Schemas['ContactInput']
export type ContactChange = Schemas['ContactPatch']

/** Which contacts a list has. What is left out matches everything, but for the status, which is then `ACTIVE`. */
export type ContactFilter = {
  search?: string
  stage?: Stage
  status?: Schemas['ContactStatusFilter']
  tag?: string
  /** Values of custom fields, by their keys, as the API writes them: a text as it is, everything else as JSON. */
  custom?: Record<string, string>
}

/** The query of a filter. A custom field has a parameter of its own, named after it. */
function queryOf({ custom, ...filter }: ContactFilter, more: Record<string, string | number | boolean | undefined>) {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries({ ...filter, ...more })) {
    if (value !== undefined && value !== '') query.set(name, String(value))
  }
  for (const [key, value] of Object.entries(custom ?? {})) query.set(`customFields.${key}`, value)
  return query.toString()
}

const C = '/v1/console/agents/{agentId}/contacts'
const ONE = '/v1/console/agents/{agentId}/contacts/{id}'

export const contactsQuery = (agentId: string, filter: ContactFilter = {}, sort?: string) =>
  infiniteQueryOptions({
    queryKey: ['contacts', agentId, filter, sort],
    queryFn: ({ pageParam, signal }) =>
      page<Contact>(
        api.GET(C, {
          params: { path: { agentId } },
          querySerializer: () => queryOf(filter, { sort, limit: 50, cursor: pageParam }),
          signal,
        }),
      ),
    initialPageParam: '',
    getNextPageParam: last => last.next,
  })

/** How many contacts a list has on all of its pages; null where the server does not count that far. */
export const contactCountQuery = (agentId: string, filter: ContactFilter) =>
  queryOptions({
    queryKey: ['contacts', agentId, 'count', filter],
    queryFn: async ({ signal }) =>
      (
        await page<Contact>(
          api.GET(C, {
            params: { path: { agentId } },
            querySerializer: () => queryOf(filter, { limit: 1, includeTotal: true }),
            signal,
          }),
        )
      ).total,
  })

/** Other contacts, archived or not, that have this email address or this mobile number. */
export const twinsQuery = (agentId: string, of: { id?: string; email?: string | null; mobileNumber?: string | null }) =>
  queryOptions({
    queryKey: ['contacts', agentId, 'twins', of],
    queryFn: async ({ signal }) => {
      const found = new Map<string, Contact>()
      for (const query of [
        of.email ? { email: of.email } : null,
        of.mobileNumber ? { mobileNumber: of.mobileNumber } : null,
      ]) {
        if (!query) continue
        const params = { path: { agentId }, query: { ...query, status: 'ANY' as const, limit: 10 } }
        for (const twin of (await page<Contact>(api.GET(C, { params, signal }))).items) found.set(twin.id, twin)
      }
      return [...found.values()].filter(({ id }) => id !== of.id)
    },
    retry: false,
  })

export const contactQuery = (agentId: string, id: string) =>
  queryOptions({
    queryKey: ['contact', agentId, id],
    queryFn: ({ signal }) => must<Contact>(api.GET(ONE, { params: { path: { agentId, id } }, signal })),
  })

/** What to do where another contact has the same email address or mobile number. */
export type OnDuplicate = 'reject' | 'allow'

export const createContact = (
  agentId: string,
  body: NewContact,
  onDuplicate: OnDuplicate,
  idempotencyKey: string,
): Promise<Contact> =>
  must<Contact>(
    api.POST(C, {
      params: { path: { agentId }, query: { onDuplicate }, header: { 'Idempotency-Key': idempotencyKey } },
      body,
    }),
  )

const ifUnchanged = ({ version }: Contact) => ({ 'If-Match': `"${version}"` })

/** Changes only what is named, and only if nobody else has changed the contact since `contact` was read. */
export const updateContact = (agentId: string, contact: Contact, body: ContactChange, onDuplicate: OnDuplicate) =>
  must<Contact>(
    api.PATCH(ONE, {
      params: { path: { agentId, id: contact.id }, query: { onDuplicate }, header: ifUnchanged(contact) },
      body,
    }),
  )

export const archiveContact = (agentId: string, id: string) =>
  must<Contact>(api.PATCH(`${ONE}/archive`, { params: { path: { agentId, id } } }))

export const unarchiveContact = (agentId: string, id: string) =>
  must<Contact>(api.PATCH(`${ONE}/unarchive`, { params: { path: { agentId, id } } }))

export const deleteContact = (agentId: string, id: string) =>
  must(api.DELETE(ONE, { params: { path: { agentId, id } } }))

/** Asks again for everything that shows contacts of an agent. */
export const contactsChanged = (client: QueryClient, agentId: string) =>
  Promise.all(['contacts', 'contact'].map(name => client.invalidateQueries({ queryKey: [name, agentId] })))

/** The same, but for a contact that is gone: it would only be told so. */
export const contactDeleted = (client: QueryClient, agentId: string, id: string) => {
  client.removeQueries({ queryKey: ['contact', agentId, id], type: 'inactive' })
  return client.invalidateQueries({ queryKey: ['contacts', agentId] })
}

/** Where a browser finds these contacts as a file. */
export const exportPath = (agentId: string, filter: ContactFilter, format: Schemas['ExportFormat']) =>
  `/v1/console/agents/${agentId}/contacts:export?${queryOf(filter, { format })}`

/** Where a browser finds everything that is held on one contact. */
export const holdingsPath = (agentId: string, id: string) => `/v1/console/agents/${agentId}/contacts/${id}:export`
