// Each list while its answer is on its way, when it fails, and when there is nothing in it; and what its page weighs.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { installation } from '../journey.mjs'

/** The most JavaScript, compressed by gzip, that the page of the keys may need, in bytes. */
const BUDGET = 230_000

let owner
const at = installation(async () => {
  owner = await at.owner()
})

/** The lists: their page, the call that fills it, what it is called when it fails. */
const lists = () =>
  [
    [`/agents/${at.agent}/api-permissions`, `/agents/${at.agent}/api-keys`, 'API keys'],
    [`/agents/${at.agent}/contacts`, `/agents/${at.agent}/contacts`, 'Contacts'],
    [`/agents/${at.agent}/contact-fields`, `/agents/${at.agent}/contact-fields`, 'Contact fields'],
    [`/agents/${at.agent}/contact-imports`, `/agents/${at.agent}/contact-imports`, 'Imports'],
    [`/agents/${at.agent}/webhooks`, `/agents/${at.agent}/webhooks`, 'Webhooks'],
    [`/agents/${at.agent}/documents`, `/agents/${at.agent}/documents`, 'Documents'],
    ['/agents', '/agents', 'Agents'],
    ['/members', '/members', 'Members'],
    ['/audit', '/audit-log', 'The audit log'],
  ].map(([path, call, what]) => [path, url => url.pathname === `/v1/console${call}`, what])

test('a list that fails says so, with the id of the request, and can be asked for again', async () => {
  owner.expect(500)
  for (const [path, call, what] of lists()) {
    let fails = true
    await owner.page.route(call, route => {
      if (!fails || route.request().method() !== 'GET') return route.fallback()
      return route.fulfill({
        status: 500,
        headers: { 'x-request-id': '4b1e7f90c2a8d635' },
        json: {
          success: false,
          message: 'Something went wrong on our side.',
          error: { code: 'internal', requestId: '4b1e7f90c2a8d635', details: [] },
        },
      })
    })
    await owner.open(path)
    await owner.sees(`${what} could not be loaded`)
    await owner.sees('4b1e7f90c2a8d635')
    await owner.meetsNoBarrier(`${path}, failed`)
    fails = false
    await owner.button('Try again').first().click()
    await owner.page.getByText(`${what} could not be loaded`).waitFor({ state: 'detached' })
    await owner.page.unroute(call)
  }
})

test('a list that is slow shows its shape meanwhile', async () => {
  for (const [path, call] of lists()) {
    let goOn
    const held = new Promise(resolve => (goOn = resolve))
    await owner.page.route(call, async route => {
      if (route.request().method() === 'GET') await held
      return route.fallback()
    })
    await owner.open(path)
    await owner.page.locator('[aria-busy=true] .bone').first().waitFor()
    goOn()
    await owner.page.waitForFunction(() => !document.querySelector('.bone'))
    await owner.page.unroute(call)
  }
})

test('an empty list says what would be in it', async () => {
  for (const [path, words] of [
    [`/agents/${at.agent}/api-permissions`, 'No API keys yet.'],
    [`/agents/${at.agent}/contacts`, 'No contacts yet.'],
    ['/audit?resource=token', 'Nothing matches'],
    ['/settings', 'No tokens'],
  ]) {
    await owner.open(path)
    await owner.sees(words)
    await owner.meetsNoBarrier(`${path}, empty`)
  }
})

test('more of a list that cannot be loaded is told, and what is there stays', async () => {
  const body = { name: 'Ingrid Solberg', email: 'ingrid@example.com' }
  await owner.calls(`/v1/console/agents/${at.agent}/contacts`, { method: 'POST', body })
  const call = url => /^\/v1\/.*\/contacts$/.test(url.pathname) && !url.searchParams.has('includeTotal')
  let fails = true
  await owner.page.route(call, async route => {
    if (!new URL(route.request().url()).searchParams.get('cursor')) {
      const response = await route.fetch()
      const json = { ...(await response.json()), pagination: { hasMore: true, nextCursor: 'more' } }
      return route.fulfill({ response, json })
    }
    if (!fails) return route.fulfill({ json: { success: true, message: '', data: [], pagination: { hasMore: false } } })
    return route.fulfill({
      status: 500,
      json: { success: false, message: 'Something went wrong on our side.', error: { code: 'internal', details: [] } },
    })
  })
  await owner.open(`/agents/${at.agent}/contacts`)
  await owner.button('Older').click()
  await owner.page.getByRole('alert').getByText('Something went wrong on our side.').waitFor()
  await owner.sees('Ingrid Solberg')
  fails = false
  await owner.button('Older').click()
  await owner.button('Older').waitFor({ state: 'detached' })
  assert.equal(await owner.page.getByRole('alert').count(), 0)
  await owner.sees('Ingrid Solberg')
  await owner.page.unroute(call)
})

test('a thing that there is not says so, and leads back to its list', async () => {
  owner.expect(404)
  const nobody = '0'.repeat(24)
  for (const [list, what] of [
    [`/agents/${at.agent}/contacts`, 'contact'],
    [`/agents/${at.agent}/contact-imports`, 'import'],
    [`/agents/${at.agent}/webhooks`, 'webhook'],
    [`/agents/${at.agent}/documents`, 'document'],
  ]) {
    await owner.open(`${list}/${nobody}`)
    await owner.sees(`There is no such ${what}.`)
    await owner.meetsNoBarrier(`no such ${what}`)
    await owner.button(`All ${what}s`).click()
    await owner.comesTo(list)
  }
  await owner.open('/document-templates/nothing')
  await owner.sees('There is no such template.')
  await owner.button('All templates').click()
  await owner.comesTo('/document-templates')
})

test('a path that there is not has a way back', async () => {
  await owner.open('/nowhere')
  await owner.sees('There is no such page')
  await owner.meetsNoBarrier('no such page')
})

test('the page of the keys stays within its budget', async () => {
  const scripts = new Map()
  owner.page.on('response', async response => {
    const url = response.url()
    if (url.endsWith('.js')) scripts.set(url, response.body())
  })
  await owner.open(`/agents/${at.agent}/api-permissions`)
  await owner.sees('No API keys yet.')
  const bodies = await Promise.all(scripts.values())
  const weight = bodies.reduce((sum, body) => sum + gzipSync(body, { level: 9 }).length, 0)
  assert.ok(weight > 0 && weight <= BUDGET, `${weight} bytes of JavaScript`)
})

test('nothing went wrong', () => owner.leaves())
