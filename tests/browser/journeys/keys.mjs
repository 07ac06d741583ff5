// An API key from the first click to the last refusal.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { installation } from '../journey.mjs'

const at = installation(async () => {
  owner = await at.owner()
})
let owner
/** What the first key is called, and how an integration knows it. */
const NAME = 'Production sync'
let key
let secret

const contacts = () => `/v1/open/contacts/chatbots/${at.agent}`
/** What somebody who pastes elsewhere gets: read by another page, so that this one holds none of it. */
const copied = async () => {
  const other = await owner.context.newPage()
  await other.goto(`${at.keyward.dashboard}/sign-in`)
  await other.bringToFront()
  const text = await other.evaluate(() => navigator.clipboard.readText())
  await other.close()
  await owner.page.bringToFront()
  return text
}
const called = async () => {
  const { status, body } = await at.keyward.call(contacts(), { key, secret })
  return body.error?.code ?? status
}
/** The page of the key. */
async function opens(name = NAME) {
  await owner.open(`/agents/${at.agent}/api-permissions`)
  await owner.page.getByRole('link', { name, exact: true }).click()
  await owner.page.getByRole('heading', { level: 1, name }).waitFor()
}

test('the empty list says what to do', async () => {
  for (const words of [
    'API Permission',
    'Manage API keys and their permissions for external integrations.',
    'No API keys yet.',
    'Recommended practices',
    'Channels & API',
  ]) {
    await owner.sees(words)
  }
  const practices = await owner.page.getByRole('complementary', { name: 'Recommended practices' }).innerText()
  for (const words of [
    'Use descriptive names so keys are easy to identify.',
    'Limit IP addresses where you can.',
    'Grant only the permissions each integration needs.',
    'Regularly review and revoke unused keys.',
  ]) {
    assert.ok(practices.replace(/\s+/g, ' ').includes(words), words)
  }
  assert.match(await owner.page.title(), /API Permissions/)
})

test('a key is made in two steps', async () => {
  await owner.page.getByRole('link', { name: 'Agents', exact: true }).click()
  await owner.comesTo('/agents')
  await owner.page.getByRole('link', { name: 'Support', exact: true }).click()
  await owner.button('Add API Key').first().click()
  await owner.sees('Step 1 of 2 — Enter basic information')
  assert.equal(await owner.field('Name').getAttribute('placeholder'), 'Production sync')
  assert.equal(await owner.field(/^IP Address/).getAttribute('placeholder'), '192.168.1.1, 10.0.0.1')
  await owner.button('Next').click()
  await owner.field('Name').and(owner.page.locator('[aria-invalid=true]')).waitFor()
  await owner.field('Name').fill(NAME)
  await owner.sees('15 / 100', owner.dialog)
  await owner.field(/^IP Address/).fill('10.0.0.7/24')
  await owner.button('Use 10.0.0.0/24').click()
  await owner.button('Use my address').click()
  assert.equal(await owner.field(/^IP Address/).inputValue(), '10.0.0.0/24, 127.0.0.1')
  await owner.button('Next').click()

  await owner.sees('Step 2 of 2 — Configure permissions')
  for (const words of [
    'Contact Access',
    'Reading and writing your CRM contacts over the API',
    'Document Extraction Access',
    'Programmatic document extraction operations',
    'Add new records',
    'Retrieve existing records',
    'Change existing records',
    'Remove records',
  ]) {
    await owner.sees(words, owner.dialog)
  }
  await owner.button('Give Access').click()
  await owner.sees('Choose at least one action.')
  await owner.button('Back').click()
  assert.equal(await owner.field('Name').inputValue(), NAME)
  await owner.button('Next').click()
  const card = owner.page.getByRole('group', { name: 'Contact Access' })
  await card.getByRole('checkbox', { name: /^Read/ }).click({ force: true })
  await card.getByRole('checkbox', { name: /^Create/ }).click({ force: true })
  await owner.button('Give Access').click()
  await owner.sees('API key created successfully.')
})

test('what it hands over is copied, and its first request arrives', async () => {
  for (const words of ['the secret is shown only this once', 'Treat the secret like a password.']) {
    await owner.sees(words)
  }
  await owner.sees('Waiting for the first request')
  await owner.button('Copy API Key').click()
  await owner.sees('API key copied to clipboard')
  key = await copied()
  await owner.button('Copy API Secret').click()
  await owner.sees('API secret copied to clipboard')
  secret = await copied()
  assert.match(key, /^kw_live_/)
  assert.match(secret, /^kws_live_/)
  assert.equal(await called(), 200)
  await owner.page.getByText(/First request/).waitFor()
  await owner.meetsNoBarrier('the handover')
})

test('the secret is gone once it is stored', async () => {
  await owner.page.keyboard.press('Escape')
  await owner.sees('Is the secret stored?')
  await owner.button('Go back').click()
  await owner.sees(secret)
  await owner.page.evaluate(() => history.back())
  await owner.sees('Is the secret stored?')
  await owner.button('Yes, it is stored').click()
  await owner.comesTo('/agents')
  await owner.dialog.waitFor({ state: 'detached' })

  // Nothing that looks for it takes it into the page. What was drawn last is let go of when something is drawn again, and
  // requests that were under way end, so it is looked for until it is gone.
  const session = await owner.context.newCDPSession(owner.page)
  const isHeld = async () => {
    let found = false
    let tail = ''
    const look = ({ chunk }) => {
      found ||= (tail + chunk).includes(secret)
      tail = chunk.slice(-secret.length)
    }
    session.on('HeapProfiler.addHeapSnapshotChunk', look)
    await session.send('HeapProfiler.collectGarbage')
    await session.send('HeapProfiler.takeHeapSnapshot', { reportProgress: false })
    session.off('HeapProfiler.addHeapSnapshotChunk', look)
    return found
  }
  const deadline = Date.now() + 10_000
  let held = await isHeld()
  while (held && Date.now() < deadline) {
    await owner.page.waitForTimeout(500)
    held = await isHeld()
  }
  await session.detach()
  assert.ok(!held, 'the heap still holds the secret')
  const places = () =>
    owner.page.evaluate(() => [
      document.documentElement.outerHTML,
      location.href,
      document.title,
      JSON.stringify([history.state, localStorage, sessionStorage]),
    ])
  const isShown = async () => (await places()).some(place => place.includes(secret))
  assert.ok(!(await isShown()))
  await owner.page.goForward()
  for (const way of ['reload', 'goBack', 'goForward']) {
    await owner.page[way]()
    await owner.page.getByRole('heading', { level: 1 }).waitFor()
    assert.ok(!(await isShown()), way)
  }
})

test('another one is made by the keyboard alone', async () => {
  await owner.open(`/agents/${at.agent}/api-permissions`)
  const { keyboard } = owner.page
  const tabsTo = async locator => {
    for (let presses = 0; presses < 60; presses++) {
      if (await locator.evaluate(element => element === document.activeElement)) return
      await keyboard.press('Tab')
    }
    throw new Error(`no way by Tab to ${locator}`)
  }
  const add = owner.button('Add API Key').first()
  await add.waitFor()
  await tabsTo(add)
  await keyboard.press('Enter')
  await owner.sees('Step 1 of 2 — Enter basic information')
  await keyboard.type('By keyboard')
  await keyboard.press('Enter')
  await owner.sees('Step 2 of 2 — Configure permissions')
  assert.match(await owner.page.evaluate(() => document.activeElement.textContent), /^Step 2 of 2/)
  await tabsTo(owner.page.getByRole('group', { name: 'Contact Access' }).getByRole('checkbox', { name: /^Read/ }))
  await keyboard.press('Space')
  await tabsTo(owner.button('Give Access'))
  await keyboard.press('Enter')
  await owner.sees('API key created successfully.')
  await tabsTo(owner.button('Done'))
  await keyboard.press('Enter')
  await owner.sees('Is the secret stored?')
  await tabsTo(owner.button('Yes, it is stored'))
  await keyboard.press('Enter')
  await owner.dialog.waitFor({ state: 'detached' })
  await owner.sees('By keyboard')
  const { body } = await owner.calls(`/v1/console/agents/${at.agent}/api-keys`)
  const made = body.data.find(({ name }) => name === 'By keyboard')
  await owner.calls(`/v1/console/agents/${at.agent}/api-keys/${made.id}`, { method: 'DELETE' })
})

test('it stands in the list with what it may do', async () => {
  await owner.open(`/agents/${at.agent}/api-permissions`)
  for (const head of ['Name', 'Access', 'Created']) {
    await owner.page.getByRole('columnheader', { name: head, exact: true }).waitFor()
  }
  const row = owner.page.getByRole('row').filter({ hasText: NAME })
  await row.getByText('Contacts', { exact: true }).waitFor()
  await row.getByText('Active', { exact: true }).waitFor()
  await owner.chooses(`Actions for ${NAME}`, 'Copy API Key')
  await owner.sees('API key copied to clipboard')
  assert.equal(await copied(), key)
  await owner.page.getByRole('searchbox', { name: 'Search API keys' }).fill('nothing like it')
  await owner.sees('No key matches')
  await owner.page.waitForURL(/q=nothing/)
  await owner.button('Clear filters').click()
  await owner.sees(NAME)
})

test('narrowed, it refuses the next call; widened, it lets it through', async () => {
  await owner.chooses(`Actions for ${NAME}`, 'Edit')
  await owner.field(/^IP Address/).fill('192.0.2.1')
  await owner.sees(/127\.0\.0\.1/, owner.dialog)
  await owner.button('Save changes').click()
  await owner.sees('API key updated successfully.')
  assert.equal(await called(), 'ip_not_allowed')
  await owner.chooses(`Actions for ${NAME}`, 'Edit')
  await owner.field(/^IP Address/).fill('')
  await owner.button('Save changes').click()
  await owner.dialog.waitFor({ state: 'detached' })
  assert.equal(await called(), 200)
})

test('the second of two who edit it is told', async () => {
  const other = await at.owner()
  other.expect(412)
  for (const person of [owner, other]) {
    await person.open(`/agents/${at.agent}/api-permissions`)
    await person.chooses(`Actions for ${NAME}`, 'Edit')
    await person.field(/^Description/).fill('Changed')
  }
  await owner.button('Save changes').click()
  await owner.dialog.waitFor({ state: 'detached' })
  await other.field(/^Description/).fill('Changed, too')
  await other.button('Save changes').click()
  await other.sees(/Your changes are not saved/)
  await other.leaves()
})

test('disabled and enabled, it is refused and let through', async () => {
  await owner.open(`/agents/${at.agent}/api-permissions`)
  for (const [item, toast, outcome] of [
    ['Disable', 'API key disabled.', 'key_disabled'],
    ['Enable', 'API key enabled.', 200],
  ]) {
    await owner.chooses(`Actions for ${NAME}`, item)
    const sure = owner.page.getByRole('alertdialog').getByRole('button', { name: /^Disable/ })
    // It was used within the hour, so that disabling asks.
    if (item === 'Disable') await sure.click()
    await owner.sees(toast)
    assert.equal(await called(), outcome)
  }
})

test('rotated, both secrets work until the overlap is ended', async () => {
  await owner.chooses(`Actions for ${NAME}`, 'Rotate')
  await owner.page.getByRole('radio', { name: 'In 24 hours' }).click({ force: true })
  await owner.button('Rotate secret').click()
  await owner.button('Copy API Secret').click()
  await owner.sees('API secret copied to clipboard')
  const fresh = await copied()
  assert.notEqual(fresh, secret)
  const before = secret
  await owner.button('Done').click()
  await owner.button('Yes, it is stored').click()
  await owner.dialog.waitFor({ state: 'detached' })
  for (secret of [before, fresh]) assert.equal(await called(), 200)

  await opens()
  await owner.sees(/Two secrets work/)
  await owner.button('End now').click()
  const sure = owner.page.getByRole('alertdialog').getByRole('button', { name: /^End/ })
  await sure.or(owner.page.getByText(/Two secrets work/)).first().waitFor()
  if (await sure.count()) await sure.click()
  await owner.page.getByText(/Two secrets work/).waitFor({ state: 'detached' })
  secret = before
  assert.equal(await called(), 'invalid_credentials')
  secret = fresh
  assert.equal(await called(), 200)
})

test('its page shows what it has done', async () => {
  await opens()
  await owner.sees('ListContacts')
  await owner.page.getByRole('tab', { name: 'Requests' }).click()
  await owner.page.getByRole('cell', { name: /200/ }).first().waitFor()
  await owner.page.getByRole('tab', { name: 'Audit' }).click()
  await owner.page.getByRole('cell', { name: /api_key\./ }).first().waitFor()
})

test('deleted, it is refused at once', async () => {
  await owner.open(`/agents/${at.agent}/api-permissions`)
  await owner.chooses(`Actions for ${NAME}`, 'Delete')
  for (const words of [
    'The API key is permanently deleted.',
    'Any applications using this key will lose access.',
  ]) {
    await owner.sees(words, owner.dialog)
  }
  const gone = owner.button('Delete API key')
  assert.ok(await gone.isDisabled())
  await owner.field(`Type ${NAME} to confirm`).fill(NAME)
  assert.equal(await called(), 200)
  await gone.click()
  await owner.dialog.waitFor({ state: 'detached' })
  assert.equal(await called(), 'invalid_credentials')
  await owner.sees('No API keys yet.')
})

test('nothing went wrong', () => owner.leaves())
