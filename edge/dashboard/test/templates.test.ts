import { expect, test } from 'vitest'
import { content, draftOf, nameFor, problems } from '../src/pages/templates/draft'

const draft = { name: 'delivery-note', title: 'Delivery note', description: '', schema: '{"type":"object"}' }

test('a name follows the title', () => {
  expect(nameFor('Delivery note')).toBe('delivery-note')
  expect(nameFor('  42 Übergabe-Protokolle! ')).toBe('ubergabe-protokolle')
  expect(nameFor('請求書')).toBe('')
  expect(nameFor('a'.repeat(39) + ' b')).toBe('a'.repeat(39))
})

test('a draft without problems says what is sent', () => {
  expect(problems(draft)).toEqual({})
  expect(content({ ...draft, title: ' Delivery note ' })).toEqual({
    title: 'Delivery note',
    description: '',
    schema: { type: 'object' },
  })
  expect(problems({ ...draftOf(), title: 'One', name: 'one' })).toEqual({})
})

test('each fault stands at its field', () => {
  const faulty = { name: '1st', title: ' ', description: 'x'.repeat(501), schema: '[]' }
  expect(Object.keys(problems(faulty)).sort()).toEqual(['description', 'name', 'schema', 'title'])
  expect(problems({ ...draft, title: 'x'.repeat(101) })).toHaveProperty('title')
  expect(problems({ ...draft, schema: ' ' }).schema).toMatch(/Say what/)
  expect(problems({ ...draft, schema: '{' }).schema).toBe('That is not JSON.')
})
