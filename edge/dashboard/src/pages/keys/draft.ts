// What the forms of a key hold while someone types, and what becomes of it.
import type { Key, Settings } from '../../api/keys'
import type { Session } from '../../api/session'
import { DAY, length, now, num } from '../../ui/format'
import { parse } from '../../ui/ip'

/** When a key ends: never, in so many days, or after a day that is chosen. */
export type Expiry = 'none' | '30' | '90' | '365' | 'date'

export type Draft = {
  name: string
  description: string
  addresses: string
  expiry: Expiry
  /** The last day on which the key works, `2026-12-31`; for the expiry `date`. */
  lastDay: string
  perMinute: string
  perHour: string
  permissions: string[]
}

/** Errors by the API's name of their field. */
export type Errors = Record<string, string>

export type Maxima = Session['maxRateLimits']

export const DEFAULTS = { perMinute: 60, perHour: 1_000 }
const MOST_ADDRESSES = 100
const NAME_LENGTH = 100
const DESCRIPTION_LENGTH = 500

export const blank = (maxima: Maxima): Draft => ({
  name: '',
  description: '',
  addresses: '',
  expiry: 'none',
  lastDay: '',
  perMinute: String(Math.min(DEFAULTS.perMinute, maxima.perMinute)),
  perHour: String(Math.min(DEFAULTS.perHour, maxima.perHour)),
  permissions: [],
})

const day = (ms: number) => new Date(ms).toISOString().slice(0, 10)
export const today = () => day(now())

/** The last day, UTC, on which a key with this expiry works all day or some of it. */
export const lastDayOf = (expiresAt: string) => day(Date.parse(expiresAt) - 1)

export const draftOf = (key: Key): Draft => ({
  name: key.name,
  description: key.description,
  addresses: key.allowedIps.join(', '),
  expiry: key.expiresAt ? 'date' : 'none',
  lastDay: key.expiresAt ? lastDayOf(key.expiresAt) : '',
  perMinute: String(key.rateLimits.perMinute),
  perHour: String(key.rateLimits.perHour),
  permissions: key.permissions,
})

/** A draft of a key like this one. An end that has passed is not taken over. */
export function copyOf(key: Key): Draft {
  const draft = draftOf(key)
  const name = [...`${key.name} (copy)`].slice(0, NAME_LENGTH).join('')
  const isOver = draft.expiry === 'date' && draft.lastDay < today()
  return { ...draft, name, ...(isOver ? { expiry: 'none', lastDay: '' } : {}) }
}

/** The last day on which a key of this draft works; null: it does not end. */
export function lastDay(draft: Draft): string | null {
  if (draft.expiry === 'none') return null
  if (draft.expiry === 'date') return draft.lastDay || null
  return day(now() + Number(draft.expiry) * DAY)
}

const limit = (text: string) => (/^\d{1,9}$/.test(text.trim()) ? Number(text) : NaN)
export const limits = (draft: Draft) => ({ perMinute: limit(draft.perMinute) || 0, perHour: limit(draft.perHour) || 0 })

/** The settings of a draft without problems. */
export const settings = (draft: Draft): Settings => ({
  name: draft.name.trim(),
  description: draft.description,
  permissions: draft.permissions,
  allowedIps: parse(draft.addresses).map(ip => ip.value ?? ip.text),
  expiresAt: lastDay(draft),
  rateLimits: limits(draft),
})

/** Those settings of a draft that differ from the key's: what is not touched is not sent, the end of a key least of all. */
export function changes(draft: Draft, key: Key): Partial<Settings> {
  const [before, after] = [settings(draftOf(key)), settings(draft)]
  const same = (name: keyof Settings) => JSON.stringify(before[name]) === JSON.stringify(after[name])
  const names = Object.keys(after) as (keyof Settings)[]
  return Object.fromEntries(names.filter(name => !same(name)).map(name => [name, after[name]]))
}

/** What is wrong with the first step of a draft. The server has the last word. */
export function problems(draft: Draft, maxima: Maxima, keptDay?: string): Errors {
  const errors: Errors = {}
  const name = length(draft.name.trim())
  if (name === 0) errors.name = 'Give the key a name.'
  if (name > NAME_LENGTH) errors.name = `A name has at most ${NAME_LENGTH} characters.`
  if (length(draft.description) > DESCRIPTION_LENGTH) {
    errors.description = `A description has at most ${DESCRIPTION_LENGTH} characters.`
  }
  const addresses = parse(draft.addresses)
  const wrong = addresses.find(ip => ip.error)
  if (wrong) errors.allowedIps = wrong.error!
  else if (addresses.length > MOST_ADDRESSES) errors.allowedIps = `At most ${MOST_ADDRESSES} addresses and ranges.`
  const inRange = (text: string, most: number) => limit(text) >= 1 && limit(text) <= most
  if (!inRange(draft.perMinute, maxima.perMinute))
    errors['rateLimits.perMinute'] = `From 1 to ${num(maxima.perMinute)}.`
  if (!inRange(draft.perHour, maxima.perHour)) errors['rateLimits.perHour'] = `From 1 to ${num(maxima.perHour)}.`
  if (draft.expiry === 'date' && draft.lastDay !== keptDay && !(draft.lastDay >= today())) {
    errors.expiresAt = 'Choose today or a day in the future.'
  }
  return errors
}

export const NO_PERMISSION = 'Choose at least one action.'
