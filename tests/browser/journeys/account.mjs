// One's own account: password, sessions, tokens, appearance.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OWNER } from '../browser.mjs'
import { installation, signsIn } from '../journey.mjs'

const at = installation(async () => {
  owner = await at.owner()
  await owner.open('/settings')
})
let owner

test('a token is shown once, works, and ends when it is deleted', async () => {
  await owner.button('Create a token').click()
  await owner.button('Create token').click()
  await owner.sees('Give the token a name.')
  await owner.field('Name', owner.dialog).fill('terraform')
  await owner.button('Create token').click()
  await owner.button('Copy the token').click()
  await owner.sees('Token copied to clipboard')
  const secret = await owner.page.evaluate(() => navigator.clipboard.readText())
  assert.match(secret, /^kwp_/)
  const agents = () => at.keyward.call('/v1/console/agents', { headers: { authorization: `Bearer ${secret}` } })
  assert.equal((await agents()).status, 200)
  const more = await at.keyward.call('/v1/console/tokens', {
    method: 'POST',
    body: { name: 'another' },
    headers: { authorization: `Bearer ${secret}` },
  })
  assert.deepEqual([more.status, more.body.error.code], [403, 'role_required'])

  await owner.page.keyboard.press('Escape')
  await owner.sees('Is the token stored?')
  await owner.button('Go back').click()
  await owner.button('Done').click()
  await owner.button('Yes, it is stored').click()
  await owner.sees('1 token')
  assert.ok(!(await owner.page.content()).includes(secret))
  await owner.page.reload()
  await owner.sees('terraform')
  assert.ok(!(await owner.page.content()).includes(secret))

  await owner.button('Delete the token terraform').click()
  await owner.button('Delete token').click()
  await owner.sees('Token deleted.')
  assert.equal((await agents()).status, 401)
})

test('a deletion goes on behind a dialog that was closed, and says what became of it', async () => {
  owner.expect(500)
  const { body } = await owner.calls('/v1/console/tokens', { method: 'POST', body: { name: 'vault', role: 'USER' } })
  const call = `**/v1/console/tokens/${body.data.token.id}`
  await owner.page.reload()
  for (const [words, answer] of [
    [
      'Something went wrong on our side.',
      route =>
        route.fulfill({
          status: 500,
          json: { success: false, message: 'Something went wrong on our side.', error: { code: 'internal', details: [] } },
        }),
    ],
    ['Token deleted.', route => route.fallback()],
  ]) {
    let goOn
    const held = new Promise(resolve => (goOn = resolve))
    await owner.page.route(call, async route => {
      await held
      return answer(route)
    })
    await owner.button('Delete the token vault').click()
    await owner.button('Delete token').click()
    await owner.page.locator('.btn[data-busy]').waitFor()
    await owner.page.keyboard.press('Escape')
    await owner.dialog.waitFor({ state: 'detached' })
    await owner.button('Create a token').click()
    await owner.field('Name', owner.dialog).fill('consul')
    goOn()
    await owner.sees(words)
    assert.equal(await owner.field('Name', owner.dialog).inputValue(), 'consul')
    await owner.page.keyboard.press('Escape')
    await owner.page.unroute(call)
  }
  await owner.sees('No tokens')
})

test('another session is listed, and ends when it is told to', async () => {
  const phone = await at.person({
    userAgent: 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Mobile Safari/604.1',
  })
  phone.expect(401)
  await signsIn(phone, OWNER.email, OWNER.password)
  await owner.page.reload()
  await owner.button('End the session of Safari on iPhone').click()
  await owner.sees('Session ended.')
  assert.equal((await phone.calls('/v1/console/members')).status, 401)
  await phone.leaves()
})

test('a new password ends all other sessions', async () => {
  const other = await at.person()
  other.expect(401)
  await signsIn(other, OWNER.email, OWNER.password)
  owner.expect(400)
  const fresh = 'a battery of correct horses'
  for (const [current, words] of [
    ['not my password', 'That is not your password.'],
    [OWNER.password, 'Password changed. Your other sessions have ended.'],
  ]) {
    await owner.field('Current password').fill(current)
    await owner.field('New password').fill(fresh)
    await owner.button('Change password').click()
    await owner.sees(words)
  }
  assert.equal((await owner.calls('/v1/console/members')).status, 200)
  assert.equal((await other.calls('/v1/console/members')).status, 401)
  await other.signsIn(OWNER.email, OWNER.password)
  await other.sees('That email and password do not match. Check both and try again.')
  await signsIn(other, OWNER.email, fresh)
  await other.leaves()
})

test('the appearance stays in this browser', async () => {
  const theme = () => owner.page.evaluate(() => document.documentElement.dataset.theme)
  assert.equal(await theme(), 'light')
  await owner.page.getByRole('radio', { name: 'Dark' }).click()
  assert.equal(await theme(), 'dark')
  await owner.page.reload()
  assert.equal(await theme(), 'dark')
  const kept = await owner.page.evaluate(() => Object.keys(localStorage))
  assert.deepEqual(kept.filter(name => name !== 'keyward-agent'), ['theme'])
  await owner.page.getByRole('radio', { name: 'As the system' }).click()
  assert.equal(await theme(), 'light')
})

test('pages about no agent lead back to the one that was looked at last', async () => {
  const made = await owner.calls('/v1/console/agents', { method: 'POST', body: { name: 'A newer one' } })
  assert.equal(made.status, 201)
  const older = (await owner.calls('/v1/console/agents')).body.data.at(-1)
  const isChosen = () => owner.page.locator('.agent-switch', { hasText: older.name }).waitFor()
  // Each time as one who follows a link, or reloads: the page begins anew.
  for (const path of [`/agents/${older.id}/contacts`, '/members', '/settings']) {
    await owner.open(path)
    await isChosen()
  }
  await owner.open('/')
  await owner.comesTo(`/agents/${older.id}/api-permissions`)
})

test('nothing went wrong', () => owner.leaves())
