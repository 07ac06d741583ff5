/** How far the clock of this browser is behind the server's, in milliseconds. */
let behind = 0

/** Takes the `Date` of an answer, which has whole seconds: less than two of difference are no difference. */
export function setServerTime(date: string) {
  const difference = Date.parse(date) - Date.now()
  if (Number.isFinite(difference)) behind = Math.abs(difference) < 2000 ? 0 : difference
}

/** The server's time, in milliseconds. */
export const now = () => Date.now() + behind

export const MINUTE = 60_000
export const HOUR = 60 * MINUTE
export const DAY = 24 * HOUR

export const num = (n: number) => n.toLocaleString('en-US')

/** A size in bytes: "12.4 MiB". */
export function bytes(n: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB']
  const step = Math.min(n < 1 ? 0 : Math.floor(Math.log2(n) / 10), units.length - 1)
  const size = n / 2 ** (10 * step)
  return `${step > 0 && size < 100 ? size.toFixed(1) : Math.round(size)} ${units[step]}`
}

/** How long ago that was: "38 min ago". */
export function ago(iso: string | null, at = now()): string {
  if (!iso) return 'Never'
  const passed = at - Date.parse(iso)
  if (passed < 10_000) return 'Just now'
  if (passed < MINUTE) return `${Math.floor(passed / 1000)} s ago`
  if (passed < HOUR) return `${Math.floor(passed / MINUTE)} min ago`
  if (passed < DAY) return `${Math.floor(passed / HOUR)} h ago`
  if (passed < 60 * DAY) return `${Math.floor(passed / DAY)} d ago`
  if (passed < 365 * DAY) return `${Math.floor(passed / DAY / 30.4)} mo ago`
  return `${Math.floor(passed / DAY / 365)} y ago`
}

/** How long until then: "18 h". */
export function until(iso: string, at = now()): string {
  const left = Date.parse(iso) - at
  if (left < HOUR) return `${Math.max(1, Math.round(left / MINUTE))} min`
  if (left < 2 * DAY) return `${Math.round(left / HOUR)} h`
  return `${Math.round(left / DAY)} days`
}

/** Seconds in words: "12 s", "21 min". */
export const seconds = (n: number) => (n < 120 ? `${n} s` : `${Math.ceil(n / 60)} min`)

const format = (options: Intl.DateTimeFormatOptions) => {
  const formatter = new Intl.DateTimeFormat('en-US', { timeZone: 'UTC', ...options })
  return (iso: string) => formatter.format(new Date(iso))
}
/** "Dec 5, 2026" */
export const date = format({ month: 'short', day: 'numeric', year: 'numeric' })
/** "Dec 5" */
export const shortDate = format({ month: 'short', day: 'numeric' })
/** "Sat 5" */
export const weekday = format({ weekday: 'short', day: 'numeric' })
/** "Dec 5, 10:24:00" */
export const stamp = format({
  month: 'short',
  day: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
})
/** "2026-12-05 10:24:00 UTC", for `title`. */
export const exact = (iso: string) => iso.replace('T', ' ').replace(/(\.\d+)?Z$/, ' UTC')

/** "a, b, and c" */
export const list = (parts: string[]) => new Intl.ListFormat('en-US', { type: 'conjunction' }).format(parts)

/** Characters as a reader counts them, not units of UTF-16. */
export const length = (text: string) => [...text].length

/** Stored text for a `title` or a label: control characters and marks that turn the writing around show as symbols. */
export const visible = (text: string) =>
  text
    .replace(/[\u0000-\u001f]/g, c => String.fromCharCode(0x2400 + c.charCodeAt(0)))
    .replace(/\u007f/g, '\u2421')
    .replace(/[\u0080-\u009f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g, '\ufffd')
