// What a result and a person's corrections say together, and what people type or click as the values of a schema.
import type { Box, Correction, Field, Schema, Word } from '../../api/documents'

/** Below this a value is worth a look. */
export const SURE = 0.8

/** A value as it counts: the machine's, or a person's in its place. */
export type Leaf = {
  path: string
  label: string
  value: unknown
  /** Verbatim, where the machine has found it. */
  text: string | null
  confidence: number
  page: number | null
  box: Box | null
  isCorrected: boolean
  schema: Schema
  /** It was corrected as a whole, by a program: a list or an object, which is not changed here. */
  isWhole: boolean
}

const decoded = (step: string) => step.replaceAll('~1', '/').replaceAll('~0', '~')
const steps = (path: string) => path.split('/').slice(1).map(decoded)

/** The schema that a reference leads to. */
function resolved(root: Schema, at: Schema | undefined): Schema {
  let schema = at ?? {}
  for (let hops = 0; schema.$ref && hops < 16; hops++) {
    const target = steps(schema.$ref.replace(/^#/, '')).reduce<unknown>(
      (found, step) => (found as Record<string, unknown> | undefined)?.[step],
      root,
    )
    schema = (target ?? {}) as Schema
  }
  return schema
}

/** The schema of a place in the result. */
export function schemaAt(root: Schema, path: string): Schema {
  let at = resolved(root, root)
  for (const step of steps(path)) {
    at = resolved(root, at.items && /^\d+$/.test(step) ? at.items : at.properties?.[step])
  }
  return at
}

/** `invoiceNumber` as people say it: "Invoice number". */
const said = (name: string) => {
  const words = name
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replaceAll(/[_-]+/g, ' ')
    .toLowerCase()
    .trim()
  return words ? words[0].toUpperCase() + words.slice(1) : name
}

/** What a place is called: by titles where the schema has them. "Lines 2, Amount". */
export function labelOf(root: Schema, path: string): string {
  let at = resolved(root, root)
  const parts: string[] = []
  for (const step of steps(path)) {
    if (at.items && /^\d+$/.test(step)) {
      at = resolved(root, at.items)
      parts[parts.length - 1] = `${parts.at(-1) ?? ''} ${Number(step) + 1}`.trim()
    } else {
      at = resolved(root, at.properties?.[step])
      parts.push(at.title || said(step))
    }
  }
  return parts.join(', ')
}

/** The leaves of a result with what people said of them; corrections of what the result has not come last. */
export function leavesOf(schema: Schema, fields: Field[], corrections: Correction[]): Leaf[] {
  const given = new Map(corrections.map(one => [one.path, one.value ?? null]))
  const leaves = fields.map(field => {
    const isCorrected = given.has(field.path)
    return {
      path: field.path,
      label: labelOf(schema, field.path),
      value: isCorrected ? given.get(field.path) : (field.value ?? null),
      text: field.source?.text ?? null,
      confidence: field.confidence,
      page: field.source?.page ?? null,
      box: field.source?.boundingBox ?? null,
      isCorrected,
      schema: schemaAt(schema, field.path),
      isWhole: false,
    }
  })
  const known = new Set(fields.map(field => field.path))
  const beside = corrections.filter(one => !known.has(one.path))
  return [
    ...leaves,
    ...beside.map(one => ({
      path: one.path,
      label: labelOf(schema, one.path),
      value: one.value ?? null,
      text: null,
      confidence: 0,
      page: null,
      box: null,
      isCorrected: true,
      schema: schemaAt(schema, one.path),
      isWhole: typeof one.value === 'object' && one.value !== null,
    })),
  ]
}

/** A value in words. */
export function shown(value: unknown): string {
  if (typeof value === 'string') return value
  if (typeof value === 'boolean') return value ? 'Yes' : 'No'
  return JSON.stringify(value)
}

/** All corrections, with another one of this path; without `value` there is none of it any more. */
export function corrected(before: Correction[], path: string, value?: { value: unknown }): Correction[] {
  const others = before.filter(one => one.path !== path).map(one => ({ path: one.path, value: one.value ?? null }))
  return value ? [...others, { path, value: value.value }] : others
}

const types = (schema: Schema) => (Array.isArray(schema.type) ? schema.type : schema.type ? [schema.type] : [])
const isOf = (schema: Schema, ...names: string[]) => types(schema).some(type => names.includes(type))

/** A number as documents write it: `1,250.50 EUR`, `1.250,50`, `7 612`. */
export function numberIn(text: string): number | null {
  const plain = text.trim()
  if (/^[-+]?\d+(\.\d+)?$/.test(plain)) return Number(plain)
  const found = /[-\u2212]?\s?\d[\d.,'\u2019\s\u00a0\u202f]*/.exec(plain)?.[0]
  if (!found) return null
  const isNegative = /^[-\u2212]/.test(found) || /^\(.*\)$/.test(plain)
  let digits = found.replace(/[^\d.,]/g, '').replace(/[.,]+$/, '')
  const last = Math.max(digits.lastIndexOf('.'), digits.lastIndexOf(','))
  if (last >= 0) {
    const mark = digits[last]
    const other = mark === '.' ? ',' : '.'
    const isRepeated = digits.indexOf(mark) !== last
    // One mark and three digits behind it are thousands, as in 1,250; not in 0.125.
    const isThousands = !digits.includes(other) && digits.length - last === 4 && !/^0\D/.test(digits)
    const isFraction = !isRepeated && !isThousands
    const whole = (isFraction ? digits.slice(0, last) : digits).replace(/[.,]/g, '')
    digits = isFraction ? `${whole || '0'}.${digits.slice(last + 1)}` : whole
  }
  const number = Number(digits)
  return Number.isFinite(number) ? (isNegative ? -number : number) : null
}

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']

/** A date as documents write it, where it can mean one day only. */
export function dateIn(text: string): string | null {
  const iso = (year: number, month: number, day: number) => {
    const date = new Date(Date.UTC(year, month - 1, day))
    const is = date.getUTCFullYear() === year && date.getUTCMonth() === month - 1 && date.getUTCDate() === day
    return is ? date.toISOString().slice(0, 10) : null
  }
  let found = /\b(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})\b/.exec(text)
  if (found) return iso(+found[1], +found[2], +found[3])
  found = /\b(\d{1,2})([-/.])(\d{1,2})\2(\d{4})\b/.exec(text)
  if (found) {
    const [first, second, year] = [+found[1], +found[3], +found[4]]
    if (found[2] === '.' || first > 12) return iso(year, second, first)
    return second > 12 || first === second ? iso(year, first, second) : null
  }
  const month = (name: string) => MONTHS.indexOf(name.slice(0, 3).toLowerCase()) + 1
  found = /\b(\d{1,2})(?:st|nd|rd|th|\.)?\s+([a-z]{3,9})\.?,?\s+(\d{4})\b/i.exec(text)
  if (found && month(found[2])) return iso(+found[3], month(found[2]), +found[1])
  found = /\b([a-z]{3,9})\.?\s+(\d{1,2})(?:st|nd|rd|th)?,?\s+(\d{4})\b/i.exec(text)
  if (found && month(found[1])) return iso(+found[3], month(found[1]), +found[2])
  return null
}

/** What words that were clicked say as a value of this schema, as text to look at before it is saved. */
export function wordsAs(schema: Schema, text: string): string {
  if (isOf(schema, 'number', 'integer')) return String(numberIn(text) ?? text)
  if (schema.format === 'date') return dateIn(text) ?? text
  return text
}

/** What was typed as a value of this schema, or what is wrong with it. */
export function typed(schema: Schema, text: string): { value: unknown } | { fault: string } {
  const trimmed = text.trim()
  if (!trimmed) return { fault: 'Type the value, or say that it is not in the document.' }
  if (schema.enum) {
    const value = schema.enum.find(one => shown(one) === trimmed)
    return value === undefined ? { fault: 'Choose one of the values.' } : { value }
  }
  if (isOf(schema, 'number', 'integer')) {
    const number = numberIn(trimmed)
    if (number === null) return { fault: 'That is not a number.' }
    const needsWhole = isOf(schema, 'integer') && !isOf(schema, 'number')
    return needsWhole && !Number.isInteger(number) ? { fault: 'That is not a whole number.' } : { value: number }
  }
  if (isOf(schema, 'boolean')) {
    if (/^(yes|true|x|1)$/i.test(trimmed)) return { value: true }
    return /^(no|false|0)$/i.test(trimmed) ? { value: false } : { fault: 'Say yes or no.' }
  }
  if (schema.format === 'date') {
    const date = dateIn(trimmed)
    return date ? { value: date } : { fault: 'Write the date as 2026-11-18.' }
  }
  return { value: trimmed }
}

/** Words of a page by their places in it, as one text. */
export const textOf = (words: Word[], places: Iterable<number>): string =>
  [...places]
    .sort((a, b) => a - b)
    .map(place => words[place]?.text ?? '')
    .filter(Boolean)
    .join(' ')

/** Whether the middle of a word is in a box. */
export function isWithin(word: Box, box: Box): boolean {
  const [x, y] = [word.left + word.width / 2, word.top + word.height / 2]
  return x >= box.left && x <= box.left + box.width && y >= box.top && y <= box.top + box.height
}
