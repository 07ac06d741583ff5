import { describe, expect, it, vi } from 'vitest'
import { Refused } from '../src/api/client'
import { toConfirm, type Field } from '../src/api/fields'
import { blank, changes, draftOf, keyFor, problems, said, settings, type Draft } from '../src/pages/fields/draft'
import { asNumber, held, read, shown, type Rules } from '../src/pages/contacts/values'

// The client asks where it is when it is loaded.
vi.hoisted(() => vi.stubGlobal('location', { origin: 'http://127.0.0.1:8081' }))

const FIELD: Field = {
  key: 'seats',
  title: 'Seats',
  type: 'NUMBER',
  required: false,
  unique: false,
  default: 5,
  options: [],
  minimum: 1,
  maximum: null,
  maxLength: null,
  createdAt: '2026-01-31T12:00:00.000Z',
  updatedAt: '2026-01-31T12:00:00.000Z',
}
const draft = (part: Partial<Draft>): Draft => ({ ...blank(), title: 'X', key: 'x', ...part })
const rules = (type: Field['type'], part: Partial<Rules> = {}): Rules => ({
  type,
  options: [],
  minimum: null,
  maximum: null,
  maxLength: null,
  ...part,
})

describe('a field', () => {
  it.each([
    ['Shoe size', 'shoeSize'],
    ['  Größe (EU) ', 'grosseEU'],
    ['Zoë', 'zoe'],
    ['2nd plan', '2ndPlan'],
    ['名前', ''],
    ['x'.repeat(80), 'x'.repeat(64)],
  ])('called %j gets the key %j', (title, key) => {
    expect(keyFor(title)).toBe(key)
  })
  it('says all that is wrong with it at once', () => {
    expect(Object.keys(problems(draft({ title: ' ', key: 'a b', type: 'SELECT' }), []))).toEqual([
      'title',
      'key',
      'options',
    ])
    expect(Object.keys(problems(draft({ type: 'NUMBER', minimum: '5', maximum: '1', default: 'x' }), []))).toEqual([
      'maximum',
      'default',
    ])
    expect(Object.keys(problems(draft({ type: 'NUMBER', minimum: '1,5' }), ['x']))).toEqual(['key', 'minimum'])
    for (const maxLength of ['0', '4001', '1.5', 'x']) {
      expect(Object.keys(problems(draft({ maxLength }), []))).toEqual(['maxLength'])
    }
    expect(problems(draft({ maxLength: '4000', default: 'a' }), [])).toEqual({})
  })
  it('has only the settings of its type', () => {
    const all = { option: 'Gold', minimum: '1', maxLength: '9', unique: true }
    expect(settings(draft({ ...all, type: 'MULTI_SELECT', default: ['Gold'] }))).toEqual({
      key: 'x',
      title: 'X',
      type: 'MULTI_SELECT',
      required: false,
      unique: false,
      default: ['Gold'],
      options: ['Gold'],
    })
    // A unique field has no default.
    expect(settings(draft({ ...all, type: 'NUMBER', default: '5' }))).toMatchObject({
      unique: true,
      default: null,
      minimum: 1,
      maximum: null,
    })
  })
  it('that is edited sends what was changed', () => {
    expect(changes(draftOf(FIELD), FIELD)).toEqual({})
    expect(changes({ ...draftOf(FIELD), minimum: '', default: '7' }, FIELD)).toEqual({ minimum: null, default: 7 })
  })
  it('is told in words', () => {
    expect(said(FIELD)).toEqual(['at least 1'])
    expect(said({ ...FIELD, maximum: 9 })).toEqual(['1 to 9'])
    expect(said({ ...FIELD, type: 'SELECT', minimum: null, options: ['a', 'b'] })).toEqual(['2 options'])
  })
  it('asks once more only where that helps', () => {
    const refused = (code: string, message: string) => new Refused(409, code, message, '', [], null)
    const told = 'The values of 3 contacts do not fit. They stay as they are: send `confirm=true` if that is wanted.'
    expect(toConfirm(refused('conflict', told))).toBe('The values of 3 contacts do not fit. They stay as they are.')
    expect(toConfirm(refused('conflict', 'An agent has at most 100 fields.'))).toBeNull()
    expect(toConfirm(new Error(told))).toBeNull()
  })
})

describe('a value', () => {
  it('is shown as people read it, and as it is where it does not fit', () => {
    expect(shown('BOOLEAN', true)).toBe('Yes')
    expect(shown('DATE', '2026-12-31')).toBe('Dec 31, 2026')
    expect(shown('DATE', 'soon')).toBe('soon')
    expect(shown('MULTI_SELECT', ['a', 'b'])).toBe('a, b')
    expect(shown('NUMBER', 'five')).toBe('five')
    expect(shown(undefined, { a: [1] })).toBe('{"a":[1]}')
  })
  it('stays what it is in a form', () => {
    for (const [type, value] of [
      ['TEXT', 'a'],
      ['NUMBER', -1.5],
      ['DATE', '2026-12-31'],
      ['BOOLEAN', false],
      ['SELECT', ' a '],
      ['MULTI_SELECT', ['a']],
    ] as const) {
      expect(read(rules(type, { options: [' a '] }), held(type, value))).toEqual({ value })
    }
    expect(read(rules('MULTI_SELECT'), held('MULTI_SELECT', undefined))).toEqual({ value: null })
    expect(read(rules('TEXT'), ' ')).toEqual({ value: null })
  })
  it('that does not fit says why', () => {
    for (const [of, text] of [
      [rules('NUMBER'), 'x'],
      [rules('NUMBER', { minimum: 1 }), '0.5'],
      [rules('NUMBER', { maximum: 1 }), '2'],
      [rules('DATE'), '2026-13-01'],
      [rules('SELECT', { options: ['a'] }), 'b'],
      [rules('TEXT', { maxLength: 2 }), 'abc'],
      [rules('TEXT'), 'a'.repeat(256)],
    ] as const) {
      expect(read(of, text)).toHaveProperty('fault')
    }
    // As characters, not as units of UTF-16.
    expect(read(rules('TEXT', { maxLength: 1 }), '\u{1f469}')).toEqual({ value: '\u{1f469}' })
  })
  it('is a number only if it stays the same', () => {
    expect(asNumber('1e3')).toBe(1000)
    expect(asNumber('000123456789012345')).toBe(123456789012345)
    for (const text of ['', '1,5', '0x10', 'Infinity', '1234567890123456', '1e999', '.5', '--1']) {
      expect(asNumber(text), text).toBeNull()
    }
  })
})
