import { describe, expect, test } from 'vitest'
import type { Field, Schema } from '../src/api/documents'
import {
  corrected,
  dateIn,
  isWithin,
  labelOf,
  leavesOf,
  numberIn,
  schemaAt,
  textOf,
  typed,
  wordsAs,
} from '../src/pages/documents/values'

const schema: Schema = {
  type: 'object',
  properties: {
    invoiceNumber: { type: 'string' },
    totalDue: { type: 'number', title: 'Amount due' },
    date: { type: ['string', 'null'], format: 'date' },
    currency: { enum: ['EUR', 'USD'] },
    count: { type: 'integer' },
    paid: { type: 'boolean' },
    lines: { type: 'array', title: 'Lines', items: { $ref: '#/$defs/line' } },
    'a/b': { type: 'string' },
  },
  $defs: { line: { type: 'object', properties: { amount: { type: 'number' } } } },
}

test('places are called by their titles, or by their names in words', () => {
  expect(labelOf(schema, '/totalDue')).toBe('Amount due')
  expect(labelOf(schema, '/invoiceNumber')).toBe('Invoice number')
  expect(labelOf(schema, '/lines/1/amount')).toBe('Lines 2, Amount')
  expect(labelOf(schema, '/a~1b')).toBe('A/b')
  expect(schemaAt(schema, '/lines/12/amount')).toEqual({ type: 'number' })
  expect(schemaAt(schema, '/nothing/here')).toEqual({})
  expect(schemaAt({ properties: { loop: { $ref: '#/properties/loop' } } }, '/loop')).toBeTruthy()
})

test('numbers are read as documents write them', () => {
  for (const [text, number] of [
    ['1250.5', 1250.5],
    ['1,250.50 EUR', 1250.5],
    ['1.250,50', 1250.5],
    ['7\u00a0612,00 kr', 7612],
    ["1'234'567.80", 1234567.8],
    ['1,250', 1250],
    ['1.250.000', 1250000],
    ['0.125', 0.125],
    ['0,5', 0.5],
    ['USD 12', 12],
    ['-5,00', -5],
    ['\u22125', -5],
    ['(12.00)', -12],
    ['9.', 9],
    ['none', null],
    ['', null],
  ] as const) {
    expect([text, numberIn(text)]).toEqual([text, number])
  }
})

test('dates are read where they mean one day only', () => {
  for (const [text, date] of [
    ['2026-11-18', '2026-11-18'],
    ['2026/1/5', '2026-01-05'],
    ['18.11.2026', '2026-11-18'],
    ['18/11/2026', '2026-11-18'],
    ['11/18/2026', '2026-11-18'],
    ['05/05/2026', '2026-05-05'],
    ['04/05/2026', null],
    ['18 November 2026', '2026-11-18'],
    ['Nov 18, 2026', '2026-11-18'],
    ['1st Feb 2026', '2026-02-01'],
    ['31.02.2026', null],
    ['soon', null],
  ] as const) {
    expect([text, dateIn(text)]).toEqual([text, date])
  }
})

test('what is typed becomes a value of the schema, or is refused with a reason', () => {
  const of = (path: string, text: string) => typed(schemaAt(schema, path), text)
  expect(of('/totalDue', '1,250.50 EUR')).toEqual({ value: 1250.5 })
  expect(of('/count', '3')).toEqual({ value: 3 })
  expect(of('/date', '18 Nov 2026')).toEqual({ value: '2026-11-18' })
  expect(of('/currency', 'USD')).toEqual({ value: 'USD' })
  expect(of('/paid', 'Yes')).toEqual({ value: true })
  expect(of('/invoiceNumber', ' INV-1 ')).toEqual({ value: 'INV-1' })
  for (const [path, text] of [
    ['/totalDue', 'much'],
    ['/count', '2.5'],
    ['/date', '04/05/2026'],
    ['/currency', 'CHF'],
    ['/paid', 'perhaps'],
    ['/invoiceNumber', '  '],
  ]) {
    expect(of(path, text)).toHaveProperty('fault')
  }
  expect(wordsAs(schemaAt(schema, '/totalDue'), '1.250,50 €')).toBe('1250.5')
  expect(wordsAs(schemaAt(schema, '/date'), '04/05/2026')).toBe('04/05/2026')
  expect(wordsAs(schemaAt(schema, '/invoiceNumber'), 'INV 1')).toBe('INV 1')
})

describe('corrections', () => {
  const box = { left: 0.1, top: 0.1, width: 0.2, height: 0.1 }
  const fields: Field[] = [
    {
      path: '/invoiceNumber',
      value: 'INV-2041',
      confidence: 0.9,
      method: 'TEXT',
      uncalibrated: true,
      source: { page: 2, boundingBox: box, text: 'INV-2041', anchor: null, hidden: false },
    },
    { path: '/totalDue', confidence: 0.4, method: null, uncalibrated: true, source: null },
  ]

  test('stand in the place of what was found, and may say that there is nothing', () => {
    const leaves = leavesOf(schema, fields, [
      { path: '/invoiceNumber', value: null },
      { path: '/lines', value: [{ amount: 1 }] },
    ])
    expect(leaves.map(({ path, value, isCorrected, isWhole }) => [path, value, isCorrected, isWhole])).toEqual([
      ['/invoiceNumber', null, true, false],
      ['/totalDue', null, false, false],
      ['/lines', [{ amount: 1 }], true, true],
    ])
    expect(leaves[0]).toMatchObject({ page: 2, box, text: 'INV-2041' })
  })

  test('are set, replaced and taken back one by one', () => {
    const one = corrected([], '/totalDue', { value: 5 })
    const two = corrected(one, '/invoiceNumber', { value: null })
    expect(two).toEqual([
      { path: '/totalDue', value: 5 },
      { path: '/invoiceNumber', value: null },
    ])
    expect(corrected(two, '/totalDue', { value: 6 }).find(({ path }) => path === '/totalDue')?.value).toBe(6)
    expect(corrected(two, '/totalDue')).toEqual([{ path: '/invoiceNumber', value: null }])
  })

  test('take the words in their order, whichever was clicked first', () => {
    const word = (text: string) => ({ text, boundingBox: box, line: 0, hidden: false, confidence: null })
    expect(textOf([word('Fjord'), word('Supply'), word('Co.')], [2, 0])).toBe('Fjord Co.')
    expect(isWithin({ left: 0.15, top: 0.12, width: 0.02, height: 0.02 }, box)).toBe(true)
    expect(isWithin({ left: 0.5, top: 0.12, width: 0.02, height: 0.02 }, box)).toBe(false)
  })
})
