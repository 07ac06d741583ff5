import { describe, expect, it, vi } from 'vitest'
import type { Field } from '../src/api/fields'
import { importQuery } from '../src/api/imports'
import { columnFault, decode, guess, mapping, opening, targets } from '../src/pages/contacts/csv'

// The client asks where it is when it is loaded.
vi.hoisted(() => vi.stubGlobal('location', { origin: 'http://127.0.0.1:8081' }))

const utf16 = (text: string) => new Uint8Array(new Uint16Array([...`\ufeff${text}`].map(c => c.charCodeAt(0))).buffer)

describe('the beginning of a file', () => {
  it('is read in the encoding that its mark says', () => {
    expect(decode(new TextEncoder().encode('\ufeffname;Zoë'))).toBe('name;Zoë')
    expect(decode(utf16('name;Zoë'))).toBe('name;Zoë')
    expect(decode(new Uint8Array([0xfe, 0xff, 0, 0x61]))).toBe('a')
  })
  // The same cases as those of the server, which has the last word.
  it.each([
    ['a,b\n', ','],
    ['a;b\n', ';'],
    ['a\tb\n', '\t'],
    ['a,b;c;d\n', ';'],
    ['a,b;c\n', ','],
    ['"a;b;c",d\r\n', ','],
    ['"a\n;;;",b,c\n', ','],
    ['a\r1;2;3', ','],
    ['sep=;\na,b,c\n', ';'],
    ['sep=;\r\na,b,c\n', ';'],
    ['sep=\t\ra,b,c', '\t'],
    ['sep=|\n', ','],
  ])('%j is parted by %j', (text, delimiter) => {
    expect(opening(text, true)?.delimiter).toBe(delimiter)
  })
  it('names the columns and shows some rows, quotes and line breaks included', () => {
    const text = 'Name , "E ""mail""",\r\n"Solberg,\nIngrid",i@x.example,1\r\na,b,c\r\nd,e,f\r\ng,h,i\r\n'
    expect(opening(text.replace(' "E', '"E'), true)).toEqual({
      delimiter: ',',
      columns: ['Name', 'E "mail"', ''],
      samples: [
        ['Solberg,\nIngrid', 'i@x.example', '1'],
        ['a', 'b', 'c'],
        ['d', 'e', 'f'],
      ],
    })
  })
  it('is nothing where the first line is empty, or not whole', () => {
    expect(opening('', true)).toBeNull()
    expect(opening(' ;;\n1;2;3\n', true)).toBeNull()
    expect(opening('a,b', false)).toBeNull()
    expect(opening('a,b', true)).toEqual({ delimiter: ',', columns: ['a', 'b'], samples: [] })
    expect(opening('a,b\n1,2\n3,', false)?.samples).toEqual([['1', '2']])
  })
})

const PLAN = { key: 'plan', title: 'Tariff plan' } as Field

describe('columns', () => {
  it('are what they are called, or seem to be; nothing is two of them', () => {
    const columns = ['Full Name', 'E-Mail', 'Mail', 'Handy', 'Tariff Plan', 'Photo', '', 'notes']
    const chosen = guess(columns, targets(columns, [PLAN]))
    expect(chosen).toEqual(['name', 'email', '', 'mobileNumber', 'customFields.plan', '', '', 'notes'])
    expect(mapping(columns, chosen)).toEqual({
      'Full Name': 'name',
      'E-Mail': 'email',
      Mail: '',
      Handy: 'mobileNumber',
      'Tariff Plan': 'customFields.plan',
      Photo: '',
    })
  })
  it('of an export are known again, and what cannot be set is left out', () => {
    const columns = ['id', 'name', 'status', 'version', 'customFields.shoe', 'customFields']
    expect(guess(columns, targets(columns, []))).toEqual(['id', 'name', '', '', 'customFields.shoe', 'customFields'])
    // Once fields are declared, only those are.
    expect(guess(columns, targets(columns, [PLAN]))[4]).toBe('')
  })
  it('keep a name that is exact from one that only seems so', () => {
    expect(guess(['Mail', 'email'], targets([], []))).toEqual(['', 'email'])
  })
  it('with a fault are told before anything is sent', () => {
    expect(columnFault(['a', 'b', 'a'], ['name', '', ''])).toMatch(/called “a”/)
    expect(columnFault(['a', 'b'], ['name', 'name'])).toMatch(/same field/)
    expect(columnFault(['a', '', ''], ['', '', ''])).toMatch(/at least one/)
    expect(columnFault(['a', '', ''], ['email', '', ''])).toBeNull()
  })
  it('go to the server each under its name', () => {
    const options = {
      label: 'x',
      dryRun: false,
      onDuplicate: 'reject' as const,
      delimiter: ';',
      mapping: { 'Kunden Nr.': 'externalReferenceId', Photo: '' },
      ignoreUnknownColumns: true,
      locale: '',
    }
    expect([...new URLSearchParams(importQuery(options))]).toEqual([
      ['label', 'x'],
      ['onDuplicate', 'reject'],
      ['delimiter', ';'],
      ['ignoreUnknownColumns', 'true'],
      ['mapping.Kunden Nr.', 'externalReferenceId'],
      ['mapping.Photo', ''],
    ])
  })
})
