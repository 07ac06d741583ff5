import { expect, test } from 'vitest'
import { next, START } from '../src/pages/entry/next'

const ORIGIN = 'https://keys.example.com'

test.each([
  '/members',
  '/agents/65f0c0ffee65f0c0ffee65f0/api-permissions?q=a%20b&unused=true',
  '/settings/api-permissions',
  '/requests/4b1e7f90c2a8d635',
])('%s is one of our pages', path => {
  expect(next(path, ORIGIN)).toBe(path)
})

test.each([
  undefined,
  '',
  7,
  'members',
  'https://evil.example/members',
  '//evil.example/members',
  '/\\evil.example/members',
  '\\\\evil.example',
  '/\t/evil.example/members',
  '/\n/evil.example',
  'javascript:alert(1)',
  'data:text/html,x',
  `${ORIGIN}:8443/members`,
  '/v1/console/session',
  '/sign-in?next=/sign-in',
  '/setup',
  '/membership',
  '/members/..//evil.example',
])('%j leads to the start', asked => {
  expect(next(asked, ORIGIN)).toBe(START)
})

test('what stands behind a mark of our own is left out', () => {
  expect(next('/audit?period=7d#token', ORIGIN)).toBe('/audit?period=7d')
})
