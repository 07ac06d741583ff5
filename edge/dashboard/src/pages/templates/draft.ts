// What the form of a template holds while someone types, and what becomes of it.
import type { OwnTemplate, TemplateContent } from '../../api/templates'
import { length } from '../../ui/format'
import { readSchema } from '../documents/schema-text'

export const TITLE_LENGTH = 100
export const DESCRIPTION_LENGTH = 500
const NAME = /^[a-z][a-z0-9-]{0,39}$/

/** The schema as text. */
export type Draft = { name: string; title: string; description: string; schema: string }
export type Errors = Partial<Record<keyof Draft, string>>

/** What a new template begins with: something that can be used as it is. */
const EXAMPLE = {
  type: 'object',
  properties: {
    number: { type: 'string', title: 'Delivery number' },
    date: { type: 'string', format: 'date', title: 'Date of delivery' },
    weight: { type: 'number', title: 'Weight', description: 'In kilograms' },
  },
}

export const written = (schema: object | null) => JSON.stringify(schema ?? {}, null, 2)

export const draftOf = (template?: OwnTemplate): Draft =>
  template
    ? {
        name: template.name,
        title: template.title,
        description: template.description,
        schema: written(template.schema),
      }
    : { name: '', title: '', description: '', schema: written(EXAMPLE) }

/** A name for a title: `Delivery note` is `delivery-note`. */
export const nameFor = (title: string) =>
  title
    .normalize('NFKD')
    .toLowerCase()
    .replace(/\p{M}/gu, '')
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^[^a-z]+|-+$/g, '')
    .slice(0, 40)
    .replace(/-+$/, '')

export function problems(draft: Draft): Errors {
  const errors: Errors = {}
  const title = draft.title.trim()
  if (!title) errors.title = 'Give the template a title.'
  else if (length(title) > TITLE_LENGTH) errors.title = `A title has at most ${TITLE_LENGTH} characters.`
  if (!NAME.test(draft.name)) {
    errors.name = 'A name has at most 40 of a-z, 0-9 and -, and begins with a letter.'
  }
  if (length(draft.description) > DESCRIPTION_LENGTH) {
    errors.description = `A description has at most ${DESCRIPTION_LENGTH} characters.`
  }
  const read = readSchema(draft.schema)
  if ('fault' in read) errors.schema = read.fault
  return errors
}

/** What a draft without problems says. */
export function content({ title, description, schema }: Draft): TemplateContent {
  const read = readSchema(schema)
  return { title: title.trim(), description, schema: 'schema' in read ? read.schema : {} }
}
