import { describe, expect, it } from 'vitest'
import type { Key } from '../src/api/keys'
import { blank, changes, copyOf, draftOf, lastDay, lastDayOf, problems, settings, today } from '../src/pages/keys/draft'
import { bars, query, range, totals } from '../src/pages/keys/ranges'

const MAXIMA = { perMinute: 1_000, perHour: 10_000 }
const KEY: Key = {
  id: '65f0c0ffee65f0c0ffee65f0',
  apiKey: 'kw_live_x',
  secretLast4: '9fQz',
  agent: { id: '65f0c0ffee65f0c0ffee65f1', name: 'Support' },
  name: 'Production sync',
  description: '',
  permissions: ['contacts:read'],
  effectivePermissions: ['contacts:read'],
  rateLimits: { perMinute: 60, perHour: 1_000 },
  allowedIps: ['203.0.113.14', '10.0.0.0/24'],
  expiresAt: '2099-12-31T18:30:00.000Z',
  status: 'ACTIVE',
  rotation: null,
  createdBy: { id: '65f0c0ffee65f0c0ffee65f2', name: 'Ada' },
  createdAt: '2026-01-31T12:00:00.000Z',
  updatedAt: '2026-01-31T12:00:00.000Z',
  lastUsedAt: null,
  version: 1,
} as Key

describe('a draft', () => {
  it('begins with the defaults, or with what the operator allows', () => {
    expect(blank(MAXIMA)).toMatchObject({ perMinute: '60', perHour: '1000', expiry: 'none' })
    expect(blank({ perMinute: 10, perHour: 100 })).toMatchObject({ perMinute: '10', perHour: '100' })
  })
  it('needs a name, and says all that is wrong at once', () => {
    const wrong = { ...blank(MAXIMA), name: ' ', addresses: '10.0.0.5/24', perMinute: '1001', perHour: 'x' }
    expect(Object.keys(problems({ ...wrong, expiry: 'date', lastDay: '2020-01-01' }, MAXIMA))).toEqual([
      'name',
      'allowedIps',
      'rateLimits.perMinute',
      'rateLimits.perHour',
      'expiresAt',
    ])
  })
  it.each(['0', '-1', '1.5', '1e3', ''])('refuses %j requests', perMinute =>
    expect(problems({ ...blank(MAXIMA), name: 'x', perMinute }, MAXIMA)).toHaveProperty(['rateLimits.perMinute']),
  )
  it('counts characters of a name, not units', () => {
    expect(problems({ ...blank(MAXIMA), name: '\u{1f511}'.repeat(100) }, MAXIMA)).toEqual({})
    expect(problems({ ...blank(MAXIMA), name: '\u{1f511}'.repeat(101) }, MAXIMA)).toHaveProperty('name')
  })
  it('sends the canonical addresses', () =>
    expect(settings({ ...blank(MAXIMA), addresses: '2001:DB8::1, ::ffff:10.0.0.1,' }).allowedIps).toEqual([
      '2001:db8::1',
      '10.0.0.1',
    ]))
  it('ends on the last day, UTC', () => {
    expect(lastDayOf('2027-01-01T00:00:00.000Z')).toBe('2026-12-31')
    expect(lastDayOf('2026-12-31T18:30:00.000Z')).toBe('2026-12-31')
    expect(lastDay({ ...blank(MAXIMA), expiry: '30' })! > today()).toBe(true)
    expect(lastDay(blank(MAXIMA))).toBe(null)
  })
})

describe('an edit', () => {
  it('of nothing changes nothing', () => expect(changes(draftOf(KEY), KEY)).toEqual({}))
  it('changes only what was touched, and not the hour at which a key ends', () =>
    expect(changes({ ...draftOf(KEY), name: 'Sync ' }, KEY)).toEqual({ name: 'Sync' }))
  it('takes the end away', () => expect(changes({ ...draftOf(KEY), expiry: 'none' }, KEY)).toEqual({ expiresAt: null }))
})

describe('a duplicate', () => {
  it('has a name of its own that fits', () => {
    expect(copyOf(KEY).name).toBe('Production sync (copy)')
    expect([...copyOf({ ...KEY, name: 'x'.repeat(100) }).name].length).toBe(100)
  })
  it('does not take over an end that has passed', () =>
    expect(copyOf({ ...KEY, expiresAt: '2020-01-01T00:00:00.000Z' })).toMatchObject({ expiry: 'none', lastDay: '' }))
})

describe('bars', () => {
  const at = Date.parse('2026-11-26T10:24:30Z')
  const bucket = (start: string, allowed: number, denied = 0, rateLimited = 0) => ({
    start,
    requests: allowed + denied,
    allowed,
    denied,
    rateLimited,
  })
  it.each([
    ['1h', 60, '2026-11-26T09:25:00.000Z'],
    ['24h', 24, '2026-11-25T11:00:00.000Z'],
    ['7d', 56, '2026-11-19T12:00:00.000Z'],
    ['30d', 30, '2026-10-28T00:00:00.000Z'],
  ] as const)('of %s are %i, from a whole one', (id, count, from) => {
    expect(bars(range(id), [], at)).toHaveLength(count)
    expect(query(range(id), at)).toMatchObject({ from, to: '2026-11-26T10:24:30.000Z' })
  })
  it('sum the hours, and tell limits from other refusals', () => {
    const hours = ['09', '10'].map(hour => bucket(`2026-11-26T${hour}:00:00.000Z`, 5, 3, 2))
    const [last] = bars(range('7d'), hours, at).slice(-1)
    expect(last).toMatchObject({ start: '2026-11-26T09:00:00.000Z', allowed: 10, limited: 4, refused: 2 })
    expect(totals(bars(range('7d'), hours, at))).toEqual({ allowed: 10, limited: 4, refused: 2 })
  })
  it('leave out what is before them', () =>
    expect(totals(bars(range('1h'), [bucket('2026-11-26T08:00:00.000Z', 9)], at)).allowed).toBe(0))
})
