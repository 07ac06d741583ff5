import { describe, expect, it, vi } from 'vitest'
import { exportPath, type Contact } from '../src/api/contacts'
import type { Field } from '../src/api/fields'
import { changes, draftOf, problems, settings, undeclared } from '../src/pages/contacts/draft'
import { addressFault, answer, tested } from '../src/pages/webhooks/words'
import { bytes } from '../src/ui/format'

// The client asks where it is when it is loaded.
vi.hoisted(() => vi.stubGlobal('location', { origin: 'http://127.0.0.1:8081' }))

const field = (key: string, type: Field['type'], part: Partial<Field> = {}): Field =>
  ({
    key,
    title: key,
    type,
    required: false,
    unique: false,
    default: null,
    options: [],
    minimum: null,
    maximum: null,
    maxLength: null,
    ...part,
  }) as Field
const FIELDS = [
  field('plan', 'SELECT', { options: ['free', 'pro'], default: 'free' }),
  field('seats', 'NUMBER', { required: true, minimum: 1 }),
  field('langs', 'MULTI_SELECT', { options: ['de', 'en'] }),
]
const CONTACT = {
  id: '65f0c0ffee65f0c0ffee65f0',
  name: 'Ingrid',
  email: 'i@x.example',
  mobileNumber: null,
  externalReferenceId: null,
  gender: null,
  source: null,
  notes: 'a\nb',
  stage: 'LEAD',
  tags: ['a, b'],
  // Of which the first fits no more, and the last has no field.
  customFields: { plan: 'gold', seats: 3, old: [1] },
  version: 4,
} as unknown as Contact

describe('a contact', () => {
  it('that is new has what was filled in, and the defaults of its fields', () => {
    const draft = { ...draftOf(undefined, FIELDS), email: ' a@x.example ', tag: ' new ' }
    draft.custom.seats = '2'
    expect(problems(draft, undefined, FIELDS)).toEqual({})
    expect(settings(draft, FIELDS)).toEqual({
      email: 'a@x.example',
      tags: ['new'],
      customFields: { plan: 'free', seats: 2 },
    })
  })
  it('says all that is wrong with it at once', () => {
    const draft = { ...draftOf(undefined, FIELDS), name: 'x'.repeat(201), tags: ['x'.repeat(51)] }
    expect(Object.keys(problems(draft, undefined, FIELDS))).toEqual(['name', 'email', 'tags', 'customFields.seats'])
  })
  it('that is edited sends what was touched, and nothing else', () => {
    const draft = draftOf(CONTACT, FIELDS)
    expect(changes(draft, CONTACT, FIELDS)).toEqual({})
    // What fits no more may stay.
    expect(problems(draft, CONTACT, FIELDS)).toEqual({})
    const next = {
      ...draft,
      name: '',
      tags: [],
      removed: ['old'],
      custom: { ...draft.custom, plan: '', langs: ['de'] },
    }
    expect(changes(next, CONTACT, FIELDS)).toEqual({
      name: null,
      tags: [],
      customFields: { plan: null, langs: ['de'], old: null },
    })
    expect(problems({ ...draft, custom: { ...draft.custom, seats: '' } }, CONTACT, FIELDS)).toEqual({
      'customFields.seats': 'A value is required.',
    })
    expect(undeclared(CONTACT, FIELDS)).toEqual([['old', [1]]])
  })
  it('is exported as its list is filtered', () => {
    const filter = { search: 'x&y', tag: undefined, stage: 'LEAD' as const, custom: { plan: 'a=b' } }
    expect(exportPath('a', filter, 'CSV')).toBe(
      '/v1/console/agents/a/contacts:export?search=x%26y&stage=LEAD&format=CSV&customFields.plan=a%3Db',
    )
  })
})

describe('a webhook', () => {
  it.each([
    ['https://example.com/hook?a=1', undefined],
    ['http://10.0.0.1:8443/', undefined],
    ['', 'Enter an address.'],
    ['example.com', 'An address, as in https://example.com/keyward.'],
    ['javascript:alert(1)', 'The address begins with https://.'],
    ['https://u:p@example.com/', 'The address has no user name and no password.'],
    ['https://example.com/#a', 'The address has no fragment.'],
  ])('at %j: %j', (url, fault) => {
    expect(addressFault(url)).toBe(fault)
  })
  it('says what its receiver answered', () => {
    expect(answer({ lastStatus: 204, lastFailure: null })).toBe('204')
    expect(answer({ lastStatus: null, lastFailure: 'TIMED_OUT' })).toBe('No answer within 15 s')
    expect(answer({ lastStatus: null, lastFailure: null })).toBe('Not sent yet')
    expect(tested({ delivered: true, status: 204, failure: null })).toMatch(/has arrived/)
    expect(tested({ delivered: false, status: 500, failure: null })).toMatch(/answered 500/)
    expect(tested({ delivered: false, status: null, failure: 'TLS' })).toMatch(/TLS/)
  })
})

it('a size is told in the unit that suits it', () => {
  expect([0, 1023, 1024, 1_500_000, 104_857_600, 2 ** 40].map(bytes)).toEqual([
    '0 B',
    '1023 B',
    '1.0 KiB',
    '1.4 MiB',
    '100 MiB',
    '1024 GiB',
  ])
})
