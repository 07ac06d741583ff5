// What the form of a contact holds while someone types, and what becomes of it.
import type { Contact, ContactChange, NewContact, Stage } from '../../api/contacts'
import type { Field } from '../../api/fields'
import { length } from '../../ui/format'
import { withPending } from '../../ui/words'
import { held, isSame, read, type Held } from './values'

/** The most characters of the standard fields. */
export const LENGTH = {
  name: 200,
  email: 254,
  mobileNumber: 64,
  externalReferenceId: 128,
  gender: 50,
  source: 100,
  notes: 10_000,
}
export const TAGS_MOST = 50
export const TAG_LENGTH = 50

type Texts = Record<keyof typeof LENGTH, string>

export type Draft = Texts & {
  stage: Stage | ''
  tags: string[]
  /** A tag that is being typed. */
  tag: string
  /** Values of declared fields, by their keys. */
  custom: Record<string, Held>
  /** Keys of values that no field is declared for, and that are to go. */
  removed: string[]
}
export type Errors = Record<string, string>

const TEXTS = Object.keys(LENGTH) as (keyof Texts)[]

/** The standard fields of a draft, as a contact has them. */
function standard(draft: Draft) {
  const texts = Object.fromEntries(TEXTS.map(name => [name, draft[name].trim() || null])) as Record<
    keyof Texts,
    string | null
  >
  return { ...texts, stage: draft.stage || null, tags: withPending(draft.tags, draft.tag) }
}

/** A draft of a contact; of a new one, with what its fields say. */
export function draftOf(contact: Contact | undefined, fields: Field[]): Draft {
  const texts = Object.fromEntries(TEXTS.map(name => [name, contact?.[name] ?? ''])) as Texts
  const value = (field: Field) => (contact ? contact.customFields[field.key] : field.default)
  return {
    ...texts,
    stage: contact?.stage ?? '',
    tags: contact?.tags ?? [],
    tag: '',
    custom: Object.fromEntries(fields.map(field => [field.key, held(field.type, value(field))])),
    removed: [],
  }
}

/** The values of a contact that no field is declared for. */
export const undeclared = (contact: Contact, fields: Field[]): [key: string, value: unknown][] =>
  Object.entries(contact.customFields).filter(([key]) => !fields.some(field => field.key === key))

/** The values of declared fields that differ from the contact's; null where one is taken away. */
function customChanges(draft: Draft, contact: Contact | undefined, fields: Field[]) {
  const before = draftOf(contact, fields).custom
  const changed: Record<string, unknown> = {}
  for (const field of fields) {
    const now = draft.custom[field.key] ?? ''
    if (contact && isSame(now, before[field.key])) continue
    const found = read(field, now)
    if ('value' in found) changed[field.key] = found.value
  }
  for (const key of draft.removed) changed[key] = null
  return changed
}

/** What is wrong with a draft. The server has the last word. */
export function problems(draft: Draft, contact: Contact | undefined, fields: Field[]): Errors {
  const errors: Errors = {}
  for (const name of TEXTS) {
    if (length(draft[name].trim()) > LENGTH[name]) errors[name] = `At most ${LENGTH[name]} characters.`
  }
  if (!draft.email.trim() && !draft.mobileNumber.trim()) errors.email = 'Enter an email address or a mobile number.'
  const tags = withPending(draft.tags, draft.tag)
  if (tags.length > TAGS_MOST) errors.tags = `At most ${TAGS_MOST} tags.`
  else if (tags.some(tag => length(tag) > TAG_LENGTH)) errors.tags = `A tag has at most ${TAG_LENGTH} characters.`
  const before = contact && draftOf(contact, fields).custom
  for (const field of fields) {
    const now = draft.custom[field.key] ?? ''
    // A value that is stored may stay as it is, even where it fits no more.
    if (before && isSame(now, before[field.key])) continue
    const found = read(field, now)
    if ('fault' in found) errors[customName(field.key)] = found.fault
    else if (field.required && found.value === null) errors[customName(field.key)] = 'A value is required.'
  }
  return errors
}

/** How the API names a custom field in what it finds wrong. */
export const customName = (key: string) => `customFields.${key}`

/** A new contact, of a draft without problems. */
export function settings(draft: Draft, fields: Field[]): NewContact {
  const { tags, ...texts } = standard(draft)
  const set = Object.entries(texts).filter(([, value]) => value !== null)
  const custom = Object.entries(customChanges(draft, undefined, fields)).filter(([, value]) => value !== null)
  return {
    ...(Object.fromEntries(set) as NewContact),
    ...(tags.length > 0 && { tags }),
    ...(custom.length > 0 && { customFields: Object.fromEntries(custom) }),
  }
}

/** What differs from the contact, as a merge patch: what is not touched is not sent. */
export function changes(draft: Draft, contact: Contact, fields: Field[]): ContactChange {
  const before = standard(draftOf(contact, fields))
  const after = standard(draft)
  const names = Object.keys(after) as (keyof typeof after)[]
  const changed = names.filter(name => JSON.stringify(before[name]) !== JSON.stringify(after[name]))
  const custom = customChanges(draft, contact, fields)
  return {
    ...Object.fromEntries(changed.map(name => [name, after[name]])),
    ...(Object.keys(custom).length > 0 && { customFields: custom }),
  }
}
