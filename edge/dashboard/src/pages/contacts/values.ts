// Values of custom fields: how they are shown, and what a form holds of them while someone types.
import type { Field } from '../../api/fields'
import { date, length } from '../../ui/format'

/** What a form holds of a value: a text, or several. */
export type Held = string | string[]

/** What a field says of its values. */
export type Rules = Pick<Field, 'type' | 'options' | 'minimum' | 'maximum' | 'maxLength'>

/** The most characters of a value, where its field does not say so. */
export const LENGTHS: Partial<Record<Field['type'], number>> = { TEXT: 255, LONG_TEXT: 4_000 }
/** A number of more digits is changed by whoever reads it as one. */
const DIGITS = 15

/** A value as people read it. What does not fit its field is shown as it is stored. */
export function shown(type: Field['type'] | undefined, value: unknown): string {
  if (type === 'BOOLEAN' && typeof value === 'boolean') return value ? 'Yes' : 'No'
  if (type === 'DATE' && isDay(value)) return date(value)
  if (type === 'MULTI_SELECT' && isTexts(value)) return value.join(', ')
  return typeof value === 'string' ? value : JSON.stringify(value)
}

const isDay = (value: unknown): value is string =>
  typeof value === 'string' && /^\d{4}-\d\d-\d\d$/.test(value) && Number.isFinite(Date.parse(value))
const isTexts = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every(part => typeof part === 'string')

/** What a form holds of a stored value. */
export function held(type: Field['type'], value: unknown): Held {
  if (type === 'MULTI_SELECT') return isTexts(value) ? value : []
  if (value === null || value === undefined) return ''
  return typeof value === 'string' ? value : JSON.stringify(value)
}

export const isSame = (one: Held, other: Held) => JSON.stringify(one) === JSON.stringify(other)

/** The value that a form holds, null where there is none; or what is wrong with it. The server has the last word. */
export function read(rules: Rules, from: Held): { value: unknown } | { fault: string } {
  if (Array.isArray(from)) return { value: from.length ? from : null }
  const text = from.trim()
  if (text === '') return { value: null }
  const most = rules.maxLength ?? LENGTHS[rules.type]
  if (most && length(text) > most) return { fault: `At most ${most} characters.` }
  if (rules.type === 'NUMBER') return number(rules, text)
  if (rules.type === 'BOOLEAN') return { value: text === 'true' }
  if (rules.type === 'DATE' && !isDay(text)) return { fault: 'A date, as in 2026-12-31.' }
  if (rules.type === 'SELECT' && !rules.options.includes(from)) return { fault: 'Choose one of the options.' }
  return { value: rules.type === 'SELECT' ? from : text }
}

function number({ minimum, maximum }: Rules, text: string): { value: number } | { fault: string } {
  const value = asNumber(text)
  if (value === null) return { fault: 'A number, as in 42 or 3.5, with at most 15 digits.' }
  if (minimum !== null && value < minimum) return { fault: `At least ${minimum}.` }
  if (maximum !== null && value > maximum) return { fault: `At most ${maximum}.` }
  return { value }
}

/** The number that a text is; null: none, or one that would not stay what it is. */
export function asNumber(text: string): number | null {
  const trimmed = text.trim()
  if (!/^-?\d+(\.\d+)?(e[+-]?\d{1,3})?$/i.test(trimmed)) return null
  const digits = trimmed.replace(/e.*$/i, '').replace(/[-.]/g, '').replace(/^0+/, '')
  const value = Number(trimmed)
  return digits.length <= DIGITS && Number.isFinite(value) ? value : null
}
