import { describe, expect, it } from 'vitest'
import { covers, one, parse } from '../src/ui/ip'
describe('allowed addresses, by the contract', () => {
  it.each([
    ['192.168.1.1', '192.168.1.1'],
    ['10.0.0.0/24', '10.0.0.0/24'],
    ['2001:DB8:42::/48', '2001:db8:42::/48'],
    ['::ffff:10.0.0.1', '10.0.0.1'],
    ['0.0.0.0/0', '0.0.0.0/0'],
    ['::1', '::1'],
    ['2001:0db8:0:0:0:0:0:1', '2001:db8::1'],
  ])('%s is %s', (a, b) => expect(one(a).value).toBe(b))
  it.each([
    '10.0.0',
    '256.1.1.1',
    '010.0.0.1',
    '[::1]',
    '0x7f.0.0.1',
    '10.0.0.1-10.0.0.9',
    '10.0.0.0/33',
    '10.0.0.0/08',
    '1.2.3.4/24/1',
    ':::1',
    '10.0.0.1 10.0.0.2',
    'example.com',
  ])('%s is refused', a => expect(one(a).error).toBeTruthy())
  it('offers the range', () => expect(one('10.0.0.5/24').fix).toBe('10.0.0.0/24'))
  it('covers', () => {
    expect(covers(['203.0.113.0/28'], '203.0.113.15')).toBe(true)
    expect(covers(['203.0.113.0/28'], '203.0.113.16')).toBe(false)
    expect(covers([], '1.2.3.4')).toBe(true)
  })
  it('splits', () => expect(parse('192.168.1.1, 10.0.0.1,').map(x => x.value)).toEqual(['192.168.1.1', '10.0.0.1']))
})
