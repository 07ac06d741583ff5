import { queryOptions } from '@tanstack/react-query'
import { api, must, Refused, type Schemas } from './client'

export type FieldType = Schemas['ContactFieldType']

/** A custom field that an agent's contacts have. */
export type Field = Omit<Schemas['ContactField'], 'key'> & { key: string }
export type NewField = Schemas['ContactFieldInput']
export type FieldChange = Schemas['ContactFieldPatch']

const F = '/v1/console/agents/{agentId}/contact-fields'

/** All fields of an agent, in the order in which they were declared. */
export const fieldsQuery = (agentId: string) =>
  queryOptions({
    queryKey: ['contact-fields', agentId],
    queryFn: ({ signal }) => must(api.GET(F, { params: { path: { agentId } }, signal })) as Promise<Field[]>,
  })

// With `confirm` it is done even where stored values do not fit. Without, such a call answers how many there are.

export const createField = (agentId: string, body: NewField, confirm: boolean) =>
  must(api.POST(F, { params: { path: { agentId }, query: { confirm } }, body })) as Promise<Field>

export const updateField = (agentId: string, key: string, body: FieldChange, confirm: boolean) =>
  must(api.PATCH(`${F}/{key}`, { params: { path: { agentId, key }, query: { confirm } }, body })) as Promise<Field>

export const deleteField = (agentId: string, key: string, confirm: boolean) =>
  must(api.DELETE(`${F}/{key}`, { params: { path: { agentId, key }, query: { confirm } } }))

/** What a call says that would leave values which do not fit, and may be confirmed; null for every other error. */
export function toConfirm(error: unknown): string | null {
  if (!(error instanceof Refused) || error.code !== 'conflict' || !error.message.includes('confirm=true')) return null
  return `${error.message.split(': send')[0]}.`
}
