// What the form of a contact field holds while someone types, and what becomes of it.
import type { Field, FieldChange, FieldType, NewField } from '../../api/fields'
import { length } from '../../ui/format'
import { withPending } from '../../ui/words'
import { asNumber, held, read, type Held, type Rules } from '../contacts/values'

export const TYPES: [FieldType, name: string, note: string][] = [
  ['TEXT', 'Text', 'A line of text'],
  ['LONG_TEXT', 'Long text', 'Several lines'],
  ['NUMBER', 'Number', 'With a smallest and a largest value, if you like'],
  ['DATE', 'Date', 'A day, as in 2026-12-31'],
  ['BOOLEAN', 'Yes or no', 'True or false'],
  ['SELECT', 'One of a list', 'One option'],
  ['MULTI_SELECT', 'Several of a list', 'Any number of options'],
  ['EMAIL', 'Email', 'An email address'],
  ['PHONE', 'Phone', 'A phone number, stored as +49…'],
  ['URL', 'Web address', 'http or https'],
]
export const typeName = (type: FieldType) => TYPES.find(([id]) => id === type)?.[1] ?? type

export const TITLE_LENGTH = 100
export const KEY_LENGTH = 64
export const OPTIONS_MOST = 200
export const OPTION_LENGTH = 100
const TEXT_MOST = 4_000

/** Whether a field of that type has it. */
export const has = {
  options: (type: FieldType) => type === 'SELECT' || type === 'MULTI_SELECT',
  range: (type: FieldType) => type === 'NUMBER',
  length: (type: FieldType) => type === 'TEXT' || type === 'LONG_TEXT',
  unique: (type: FieldType) => type !== 'LONG_TEXT' && type !== 'BOOLEAN' && type !== 'MULTI_SELECT',
}

export type Draft = {
  title: string
  key: string
  type: FieldType
  required: boolean
  unique: boolean
  options: string[]
  /** An option that is being typed. */
  option: string
  minimum: string
  maximum: string
  maxLength: string
  default: Held
}
export type Errors = Record<string, string>

export const blank = (): Draft => ({
  title: '',
  key: '',
  type: 'TEXT',
  required: false,
  unique: false,
  options: [],
  option: '',
  minimum: '',
  maximum: '',
  maxLength: '',
  default: '',
})

const text = (value: number | null) => (value === null ? '' : String(value))

export const draftOf = (field: Field): Draft => ({
  title: field.title,
  key: field.key,
  type: field.type,
  required: field.required,
  unique: field.unique,
  options: field.options,
  option: '',
  minimum: text(field.minimum),
  maximum: text(field.maximum),
  maxLength: text(field.maxLength),
  default: held(field.type, field.default),
})

/** A key for a field with this title: "Shoe size" becomes `shoeSize`. */
export function keyFor(title: string): string {
  const words = title
    .replaceAll('ß', 'ss')
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .split(/[^A-Za-z0-9]+/)
    .filter(Boolean)
  const parts = words.map((word, at) =>
    at === 0 ? word[0].toLowerCase() + word.slice(1) : word[0].toUpperCase() + word.slice(1),
  )
  return parts.join('').slice(0, KEY_LENGTH)
}

const number = (typed: string) => (typed.trim() === '' ? null : asNumber(typed))

/** What a draft says of the field's values. */
export const rules = (draft: Draft): Rules => ({
  type: draft.type,
  options: has.options(draft.type) ? withPending(draft.options, draft.option) : [],
  minimum: has.range(draft.type) ? number(draft.minimum) : null,
  maximum: has.range(draft.type) ? number(draft.maximum) : null,
  maxLength: has.length(draft.type) ? number(draft.maxLength) : null,
})

const isUnique = (draft: Draft) => draft.unique && has.unique(draft.type)

/** What is wrong with a draft. `taken` are the keys of other fields. The server has the last word. */
export function problems(draft: Draft, taken: string[]): Errors {
  const errors: Errors = {}
  const said = rules(draft)
  if (!draft.title.trim()) errors.title = 'Give the field a name.'
  if (length(draft.title.trim()) > TITLE_LENGTH) errors.title = `A name has at most ${TITLE_LENGTH} characters.`
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(draft.key)) errors.key = 'Letters, digits, - and _, at most 64.'
  if (taken.includes(draft.key)) errors.key = 'Another field has this key.'
  if (has.options(draft.type)) {
    if (said.options.length === 0) errors.options = 'Add at least one option.'
    else if (said.options.length > OPTIONS_MOST) errors.options = `At most ${OPTIONS_MOST} options.`
    else if (said.options.some(option => length(option) > OPTION_LENGTH)) {
      errors.options = `An option has at most ${OPTION_LENGTH} characters.`
    }
  }
  for (const end of ['minimum', 'maximum'] as const) {
    if (has.range(draft.type) && draft[end].trim() && said[end] === null) errors[end] = 'A number, as in 42 or 3.5.'
  }
  if (said.minimum !== null && said.maximum !== null && said.minimum > said.maximum) {
    errors.maximum = 'The largest value is below the smallest.'
  }
  if (has.length(draft.type) && draft.maxLength.trim()) {
    const most = said.maxLength
    if (most === null || !Number.isInteger(most) || most < 1 || most > TEXT_MOST) errors.maxLength = 'From 1 to 4,000.'
  }
  if (!isUnique(draft)) {
    const found = read({ ...said, maxLength: errors.maxLength ? null : said.maxLength }, draft.default)
    if ('fault' in found) errors.default = found.fault
  }
  return errors
}

/** A field to declare, of a draft without problems. */
export function settings(draft: Draft): NewField {
  const { type, options, minimum, maximum, maxLength } = rules(draft)
  const standard = isUnique(draft) ? null : read(rules(draft), draft.default)
  return {
    key: draft.key,
    title: draft.title.trim(),
    type,
    required: draft.required,
    unique: isUnique(draft),
    default: standard && 'value' in standard ? standard.value : null,
    ...(has.options(type) && { options }),
    ...(has.range(type) && { minimum, maximum }),
    ...(has.length(type) && { maxLength }),
  }
}

/** Those settings of a draft that differ from the field's. */
export function changes(draft: Draft, field: Field): FieldChange {
  const before = settings(draftOf(field))
  const after = settings(draft)
  const names = ['title', 'required', 'unique', 'default', 'options', 'minimum', 'maximum', 'maxLength'] as const
  const changed = names.filter(name => JSON.stringify(before[name]) !== JSON.stringify(after[name]))
  return Object.fromEntries(changed.map(name => [name, after[name]]))
}

/** What a field says of its values, in words: "1 to 5", "3 options". */
export function said(field: Field): string[] {
  const { minimum, maximum, maxLength, options } = field
  const words: string[] = []
  if (minimum !== null && maximum !== null) words.push(`${minimum} to ${maximum}`)
  else if (minimum !== null) words.push(`at least ${minimum}`)
  else if (maximum !== null) words.push(`at most ${maximum}`)
  if (maxLength !== null) words.push(`at most ${maxLength} characters`)
  if (has.options(field.type)) words.push(options.length === 1 ? '1 option' : `${options.length} options`)
  return words
}
