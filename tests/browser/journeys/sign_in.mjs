// The door: who comes in, where they go, and who stays outside.

import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { once } from 'node:events'
import { after, test } from 'node:test'
import { OWNER } from '../browser.mjs'
import { installation, signsIn } from '../journey.mjs'

const at = installation(async () => {
  const owner = await at.owner()
  await owner.leaves()
  evil = createServer((request, response) => {
    response.setHeader('content-type', 'text/html')
    response.end('<!doctype html><title>Evil</title><p>evil')
  }).listen(0, '127.0.0.1')
  await once(evil, 'listening')
  evil.origin = `http://127.0.0.1:${evil.address().port}`
})
/** A site that is not ours. */
let evil

after(() => {
  evil.closeAllConnections()
  evil.close()
})

test('a wrong password and an unknown address read the same', async () => {
  const stranger = await at.person()
  stranger.expect(401)
  const said = []
  for (const email of [OWNER.email, 'nobody@example.com']) {
    await stranger.signsIn(email, 'not the password at all')
    const alert = stranger.page.getByRole('alert')
    await alert.waitFor()
    said.push(await alert.innerText())
    await stranger.field('Password').and(stranger.page.locator(':focus')).waitFor()
    assert.equal(await stranger.field('Password').inputValue(), '')
  }
  assert.deepEqual(said, Array(2).fill('That email and password do not match. Check both and try again.'))
  await stranger.leaves()
})

test('signing in leads to the page that was asked for', async () => {
  const owner = await at.person()
  await owner.open('/members')
  await owner.comesTo(/^\/sign-in$/)
  await owner.field('Email').fill(OWNER.email)
  await owner.field('Password').fill(OWNER.password)
  await owner.page.keyboard.press('Enter')
  await owner.comesTo('/members')
  await owner.sees(OWNER.email)
  await owner.leaves()
})

test('and never to another site', async () => {
  const owner = await at.person()
  const { port } = new URL(evil.origin)
  for (const next of [
    evil.origin,
    `//127.0.0.1:${port}`,
    `/\\127.0.0.1:${port}`,
    `\\\\127.0.0.1:${port}`,
    `/\t/127.0.0.1:${port}`,
    `https:127.0.0.1:${port}`,
    'javascript:globalThis.pwned=1',
    'data:text/html,evil',
    '/v1/console/session',
    '/sign-in?next=/sign-in',
    `/members/..//127.0.0.1:${port}`,
  ]) {
    await owner.context.clearCookies()
    await owner.signsIn(OWNER.email, OWNER.password, next)
    await owner.page.waitForURL(url => url.pathname !== '/sign-in')
    assert.equal(new URL(owner.page.url()).origin, at.keyward.dashboard, next)
    await owner.page.getByRole('heading', { level: 1, name: 'API Permission' }).waitFor()
    assert.equal(await owner.page.evaluate(() => globalThis.pwned), undefined)
  }
  await owner.leaves()
})

test('the cookie is out of reach of scripts and new with every sign-in', async () => {
  const owner = await at.person()
  // Somebody else has laid a session under their fingers.
  await signsIn(owner, OWNER.email, OWNER.password)
  const [laid] = await owner.context.cookies()
  await signsIn(owner, OWNER.email, OWNER.password)
  const [cookie, ...others] = await owner.context.cookies()
  assert.deepEqual(others, [])
  assert.deepEqual(
    [cookie.httpOnly, cookie.sameSite, cookie.path, cookie.domain],
    [true, 'Lax', '/', '127.0.0.1'],
  )
  assert.notEqual(cookie.value, laid.value)
  assert.equal(await owner.page.evaluate(() => document.cookie), '')
  const stored = await owner.page.evaluate(() => [Object.keys(localStorage), Object.keys(sessionStorage)])
  assert.deepEqual(stored.flat().filter(name => name !== 'keyward-agent'), [])
  await owner.leaves()
})

test('a change needs the token of the session', async () => {
  const owner = await at.person()
  owner.expect(403)
  await signsIn(owner, OWNER.email, OWNER.password)
  const body = { name: 'Forged' }
  const refused = await owner.calls('/v1/console/agents', { method: 'POST', body, csrf: false })
  assert.deepEqual([refused.status, refused.body.error.code], [403, 'csrf_failed'])
  const made = await owner.calls('/v1/console/agents', { method: 'POST', body: { name: 'Sales' } })
  assert.equal(made.status, 201)
  await owner.leaves()
})

test('another site changes nothing and frames nothing', async () => {
  const owner = await at.person()
  await signsIn(owner, OWNER.email, OWNER.password)
  const agents = async () => (await owner.calls('/v1/console/agents')).body.data.length
  const before = await agents()
  // Its console is full of what the browser refuses: not the console of a page of ours.
  const page = await owner.context.browser().newPage()
  await page.context().addCookies(await owner.context.cookies())
  await page.goto(evil.origin)
  await page.evaluate(async target => {
    const body = JSON.stringify({ name: 'Forged' })
    for (const options of [
      { headers: { 'content-type': 'text/plain' } },
      { headers: { 'content-type': 'application/json' } },
    ]) {
      for (const mode of ['no-cors', 'cors']) {
        await fetch(target, { method: 'POST', credentials: 'include', mode, body, ...options }).catch(() => {})
      }
    }
  }, `${at.keyward.dashboard}/v1/console/agents`)
  assert.equal(await agents(), before)
  const framed = await page.evaluate(async target => {
    const frame = document.createElement('iframe')
    frame.src = target
    const loaded = new Promise(resolve => (frame.onload = resolve))
    document.body.append(frame)
    await loaded
    // A page that was refused is an opaque one, as is another site's: what counts is what the browser put there.
    return frame.contentDocument === null
  }, `${at.keyward.dashboard}/sign-in`)
  assert.ok(framed)
  const inside = page.frames().find(frame => frame !== page.mainFrame())
  assert.ok(!inside.url().startsWith(at.keyward.dashboard), inside.url())
  await page.context().close()
  await owner.leaves()
})

test('the data API ignores cookies', async () => {
  const owner = await at.person()
  await signsIn(owner, OWNER.email, OWNER.password)
  const cookie = (await owner.context.cookies()).map(({ name, value }) => `${name}=${value}`).join('; ')
  const refused = await at.keyward.call('/v1/console/members', { headers: { cookie } })
  assert.deepEqual([refused.status, refused.body.error.code], [401, 'not_signed_in'])
  await owner.leaves()
})

test('signing out ends the session, here and in other tabs', async () => {
  const owner = await at.person()
  owner.expect(401)
  await signsIn(owner, OWNER.email, OWNER.password)
  const cookies = await owner.context.cookies()
  const other = await owner.context.newPage()
  await other.goto(`${at.keyward.dashboard}/agents`)
  await other.getByRole('button', { name: 'Create an agent' }).click()
  await other.getByLabel('Name').fill('Half written')

  // What Back would lead to.
  await owner.page.getByRole('link', { name: 'Members', exact: true }).click()
  await owner.sees(OWNER.email)
  await owner.page.getByRole('link', { name: 'Agents', exact: true }).click()
  await owner.comesTo('/agents')
  await owner.page.getByRole('button', { name: /^Account: / }).click()
  await owner.page.getByRole('menuitem', { name: 'Sign out' }).click()
  await owner.comesTo('/sign-in')
  await owner.page.goBack()
  await owner.comesTo(/^\/sign-in$/)
  await owner.doesNotSee(OWNER.email)

  // The cookie of before is worth nothing.
  await owner.context.addCookies(cookies)
  assert.equal((await owner.calls('/v1/console/members')).status, 401)
  await owner.context.clearCookies()

  // The other tab learns of it by its next call, and its form stays.
  await other.getByRole('button', { name: 'Create agent', exact: true }).click()
  const dialog = other.getByRole('dialog', { name: 'Your session has ended' })
  await dialog.getByLabel('Email').fill(OWNER.email)
  await dialog.getByLabel('Password', { exact: true }).fill(OWNER.password)
  await dialog.getByRole('button', { name: 'Sign in', exact: true }).click()
  await dialog.waitFor({ state: 'detached' })
  assert.equal(await other.getByLabel('Name').inputValue(), 'Half written')
  await other.getByRole('button', { name: 'Create agent', exact: true }).click()
  await other.getByRole('link', { name: 'Half written', exact: true }).waitFor()
  await owner.leaves()
})
