// The stretches of time that a key's chart shows.
import type { Granularity, Usage } from '../../api/keys'
import type { Bucket } from '../../ui/chart'
import { date, DAY, HOUR, MINUTE, now, shortDate, weekday } from '../../ui/format'

export type RangeId = '1h' | '24h' | '7d' | '30d'

type Range = {
  id: RangeId
  /** On its button, and in words. */
  name: string
  words: string
  granularity: Granularity
  /** The server's bucket, in milliseconds, and how many of them make a bar. */
  unit: number
  unitsPerBar: number
  bars: number
  /** What stands below a bar, and what is said of it. */
  short: (iso: string) => string
  long: (iso: string) => string
}

const time = (iso: string) => iso.slice(11, 16)
const moment = (iso: string) => `${date(iso)}, ${time(iso)} UTC`

export const RANGES: Range[] = [
  {
    id: '1h',
    name: '1 h',
    words: 'Last hour',
    granularity: 'MINUTE',
    unit: MINUTE,
    unitsPerBar: 1,
    bars: 60,
    short: time,
    long: iso => `${time(iso)} UTC`,
  },
  {
    id: '24h',
    name: '24 h',
    words: 'Last 24 hours',
    granularity: 'HOUR',
    unit: HOUR,
    unitsPerBar: 1,
    bars: 24,
    short: time,
    long: moment,
  },
  {
    id: '7d',
    name: '7 d',
    words: 'Last 7 days',
    granularity: 'HOUR',
    unit: HOUR,
    unitsPerBar: 3,
    bars: 56,
    short: weekday,
    long: moment,
  },
  {
    id: '30d',
    name: '30 d',
    words: 'Last 30 days',
    granularity: 'DAY',
    unit: DAY,
    unitsPerBar: 1,
    bars: 30,
    short: shortDate,
    long: date,
  },
]

export const range = (id: RangeId) => RANGES.find(each => each.id === id)!

/** The start of the first bar, when the last one holds this moment. Bars begin at whole multiples of their length. */
const firstStart = ({ unit, unitsPerBar, bars }: Range, at: number) => {
  const length = unit * unitsPerBar
  return Math.floor(at / length) * length - (bars - 1) * length
}

/** What the server is asked for. */
export const query = (of: Range, at = now()) => ({
  from: new Date(firstStart(of, at)).toISOString(),
  to: new Date(at).toISOString(),
  granularity: of.granularity,
})

/** The bars: every one is there, also where the server has no bucket. */
export function bars(of: Range, buckets: Usage['buckets'], at = now()): Bucket[] {
  const length = of.unit * of.unitsPerBar
  const start = firstStart(of, at)
  const all = Array.from({ length: of.bars }, (_, bar) => ({
    start: new Date(start + bar * length).toISOString(),
    allowed: 0,
    limited: 0,
    refused: 0,
  }))
  for (const bucket of buckets) {
    const bar = all[Math.floor((Date.parse(bucket.start) - start) / length)]
    if (!bar) continue
    bar.allowed += bucket.allowed
    bar.limited += bucket.rateLimited
    bar.refused += bucket.denied - bucket.rateLimited
  }
  return all
}

export const totals = (of: Bucket[]) =>
  of.reduce(
    (sum, bar) => ({
      allowed: sum.allowed + bar.allowed,
      limited: sum.limited + bar.limited,
      refused: sum.refused + bar.refused,
    }),
    { allowed: 0, limited: 0, refused: 0 },
  )
