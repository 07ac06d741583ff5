import { describe, expect, it } from 'vitest'
import { ago, exact, length, list, setServerTime, now, until, visible } from '../src/ui/format'

const at = Date.parse('2026-11-26T10:24:00Z')
const before = (ms: number) => new Date(at - ms).toISOString()

describe('times', () => {
  it.each([
    [5_000, 'Just now'],
    [12_000, '12 s ago'],
    [38 * 60_000, '38 min ago'],
    [7.5 * 3_600_000, '7 h ago'],
    [41 * 86_400_000, '41 d ago'],
    [118 * 86_400_000, '3 mo ago'],
    [800 * 86_400_000, '2 y ago'],
  ])('%i ms', (ms, words) => expect(ago(before(ms), at)).toBe(words))
  it('never', () => expect(ago(null, at)).toBe('Never'))
  it.each([
    [-20_000, '1 min'],
    [-30 * 60_000, '30 min'],
    [-18 * 3_600_000, '18 h'],
    [-9 * 86_400_000, '9 days'],
  ])('in %i ms', (ms, words) => expect(until(before(ms), at)).toBe(words))
  it('are exact in titles', () => expect(exact('2026-11-26T10:24:00.123Z')).toBe('2026-11-26 10:24:00 UTC'))
  it('follow the clock of the server', () => {
    setServerTime(new Date(Date.now() + 3_600_000).toUTCString())
    expect(now() - Date.now()).toBeGreaterThan(3_590_000)
    setServerTime(new Date().toUTCString())
    expect(Math.abs(now() - Date.now())).toBeLessThan(60_000)
  })
})

describe('text', () => {
  it('counts characters', () => expect(length('a\u{1f511}b')).toBe(3))
  it('joins', () => expect(list(['create', 'read', 'update'])).toBe('create, read, and update'))
  it('shows what would hide', () => {
    expect(visible('a\u0000\n\u007f')).toBe('a\u2400\u240a\u2421')
    expect(visible('abc\u202egnp.exe')).toBe('abc\ufffdgnp.exe')
    expect(visible('Åsa 木 \u{1f511}')).toBe('Åsa 木 \u{1f511}')
  })
})
