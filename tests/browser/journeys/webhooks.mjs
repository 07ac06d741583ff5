// A webhook from the first click to the last delivery, with a receiver that may be out of order.

import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { test } from 'node:test'
import { installation } from '../journey.mjs'
import { visits } from '../pages.mjs'

/** Answers every message alike, and keeps it. */
const receiver = { status: 204, messages: [] }

const at = installation(
  async () => {
    owner = await at.owner()
  },
  async () => {
    const server = createServer(async (request, response) => {
      let body = ''
      for await (const part of request) body += part
      receiver.messages.push({ headers: request.headers, body })
      response.writeHead(receiver.status).end()
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    receiver.url = `http://127.0.0.1:${server.address().port}/hook`
    const stop = () => server.close()
    const toml = '[contacts.webhooks]\nallowed_ranges = ["127.0.0.0/8"]\nallowed_ports = []\nallow_http = true\n'
    return { toml, companion: { stop } }
  },
)
let owner

const isSigned = ({ headers, body }, secret) => {
  const key = Buffer.from(secret.slice('whsec_'.length), 'base64')
  const signed = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`
  const signature = `v1,${createHmac('sha256', key).update(signed).digest('base64')}`
  return headers['webhook-signature'].split(' ').includes(signature)
}
const shownSecret = () => owner.dialog.locator('.secret code').innerText()
const putsAway = async () => {
  await owner.button('Done').click()
  await owner.sees('Is the secret stored?')
  await owner.button('Yes, it is stored').click()
  await owner.dialog.waitFor({ state: 'detached' })
}
const menu = () => `Actions for ${receiver.url}`
/** Waits for a row of the deliveries, which the page asks for again by itself. */
async function seesDelivery(words) {
  const row = owner.page.getByRole('row', { name: words })
  for (let tries = 0; (await row.count()) === 0; tries++) {
    assert.ok(tries < 60, `no delivery ${words}`)
    await owner.page.reload()
    await owner.page.getByRole('heading', { name: 'Deliveries' }).waitFor()
    await owner.page.waitForFunction(() => !document.querySelector('[aria-busy=true]'))
  }
  return row.first()
}
let secret

test('it is made, and its secret is shown once', async () => {
  await visits(owner, `/agents/${at.agent}/contacts`)
  await owner.page.getByRole('link', { name: 'Webhooks', exact: true }).click()
  await owner.sees('No webhooks yet.')
  await owner.meetsNoBarrier('no webhooks')
  await owner.button('Add a webhook').click()
  await owner.button('Add webhook').click()
  await owner.sees('Enter an address.')
  await owner.sees('Choose at least one event.')
  await owner.field('Address').fill('ftp://example.com')
  await owner.sees('The address begins with https://.')
  await owner.field('Address').fill(receiver.url)
  for (const name of ['Created', 'Updated']) {
    await owner.page.getByRole('checkbox', { name }).click({ force: true })
  }
  await owner.field('Description (optional)').fill('Mirrors contacts to the CRM')
  await owner.meetsNoBarrier('a new webhook')
  await owner.button('Add webhook').click()
  await owner.sees('Webhook created')
  secret = await shownSecret()
  assert.match(secret, /^whsec_/)
  await owner.meetsNoBarrier('the secret of a webhook')
  await owner.button('Copy the signing secret').click()
  await owner.sees('Signing secret copied to clipboard')
  await owner.page.goBack()
  await owner.sees('Is the secret stored?')
  await owner.button('Go back').click()
  await putsAway()
  await owner.page.getByRole('link', { name: receiver.url }).waitFor()
  await owner.meetsNoBarrier('webhooks')
  assert.ok(!(await owner.page.content()).includes(secret))
})

test('it is tried out', async () => {
  await owner.chooses(menu(), 'Send a test')
  await owner.button('Send').click()
  await owner.sees('The test message has arrived: the receiver answered 204.')
  await owner.button('Done').click()
  const [message] = receiver.messages
  assert.equal(JSON.parse(message.body).type, 'webhook.test')
  assert.ok(isSigned(message, secret))
})

test('what happens is told, and what failed is sent again', async () => {
  receiver.status = 500
  const made = await owner.calls(`/v1/console/agents/${at.agent}/contacts`, { method: 'POST', body: { email: 'a@example.com' } })
  assert.equal(made.status, 201)
  await owner.page.getByRole('link', { name: receiver.url }).click()
  const waiting = await seesDelivery(/contact\.created Waiting.*500/)
  await owner.meetsNoBarrier('a webhook')
  receiver.status = 204
  // Pressed once more while it is under way, it is not sent a second time.
  let sent = 0
  let goOn
  const held = new Promise(resolve => (goOn = resolve))
  await owner.page.route(/:replay$/, async route => {
    sent++
    await held
    return route.fallback()
  })
  const again = waiting.getByRole('button', { name: /^Send again/ })
  await again.press('Enter')
  await owner.page.locator('.btn[data-busy]').waitFor()
  await again.press('Enter')
  goOn()
  await owner.sees('The message is sent again.')
  assert.equal(sent, 1)
  await seesDelivery(/contact\.created Delivered 204/)
  await owner.page.getByRole('radio', { name: 'Given up' }).click()
  await owner.page.waitForURL(/status=DEAD/)
  await owner.sees('None of this status.')
  assert.ok(isSigned(receiver.messages.at(-1), secret))
})

test('its secret is rotated with an overlap', async () => {
  await owner.chooses(menu(), 'Rotate secret')
  await owner.button('Rotate secret').click()
  await owner.sees('New signing secret')
  const next = await shownSecret()
  assert.notEqual(next, secret)
  await putsAway()
  await owner.sees(/Two sign messages: the older one stops in/)
  await owner.button('Send a test').click()
  await owner.button('Send').click()
  await owner.sees(/has arrived/)
  await owner.button('Done').click()
  const message = receiver.messages.at(-1)
  assert.ok(isSigned(message, secret) && isSigned(message, next))
})

test('it is disabled, changed, enabled and deleted', async () => {
  await owner.chooses(menu(), 'Disable')
  await owner.sees('A member disabled it.')
  await owner.chooses(menu(), 'Edit')
  await owner.page.getByRole('checkbox', { name: 'Rotated' }).click({ force: true })
  await owner.button('Save changes').click()
  await owner.sees('Webhook updated.')
  await owner.sees('api_key.rotated')
  await owner.button('Enable').click()
  await owner.sees('Webhook enabled.')
  await owner.chooses(menu(), 'Delete')
  await owner.button('Delete webhook').click()
  await owner.sees('Webhook deleted.')
  await owner.sees('No webhooks yet.')
})

test('a user reads, and changes nothing', async () => {
  const path = `/v1/console/agents/${at.agent}/webhooks`
  await owner.calls(path, { method: 'POST', body: { url: receiver.url, events: ['contact.created'] } })
  const { member: user } = await at.member(owner, { email: 'umar@fjordsupply.example', name: 'Umar' })
  await visits(user, `/agents/${at.agent}/webhooks`)
  await user.page.getByRole('link', { name: receiver.url }).click()
  await user.page.getByRole('heading', { level: 2, name: 'Deliveries' }).waitFor()
  assert.equal(await user.page.getByRole('button', { name: /^(Actions|Send|Add)/ }).count(), 0)
  await user.leaves()
})

test('nothing went wrong', () => owner.leaves())
