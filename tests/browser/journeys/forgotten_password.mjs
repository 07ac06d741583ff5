// A password that somebody has forgotten, and the mail that leads to a new one.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OWNER } from '../browser.mjs'
import { Companion } from '../companion.mjs'
import { installation, signsIn } from '../journey.mjs'
import { token } from '../keyward.mjs'

const at = installation(
  async () => {
    const owner = await at.owner()
    await owner.leaves()
  },
  async () => {
    const companion = await Companion.start('smtp_sink.mjs', { tls: 'none' })
    const settings = {
      KEYWARD_AUTH__SMTP__HOST: '127.0.0.1',
      KEYWARD_AUTH__SMTP__PORT: String(companion.ready.port),
      KEYWARD_AUTH__SMTP__TLS: 'none',
      KEYWARD_AUTH__SMTP__FROM: 'Keyward <keyward@example.com>',
    }
    return { settings, companion }
  },
)

const FRESH = 'seven quiet harbours at dusk'
/** The text of a mail, whose lines may be folded. */
const textOf = mail => mail.text.replaceAll('=\r\n', '').replaceAll('=3D', '=')

/** Asks for a link, from the sign-in page on, and gives what is said then. */
async function asks(person, email) {
  await person.open('/sign-in')
  await person.page.getByRole('link', { name: 'Forgot your password?' }).click()
  await person.comesTo('/forgot')
  await person.field('Email').fill(email)
  await person.button('Send a link').click()
  await person.page.getByRole('heading', { level: 1, name: 'Look into your mail' }).waitFor()
  return person.page.getByRole('main').innerText()
}

test('what is said does not tell whether somebody has the address', async () => {
  const stranger = await at.person()
  await stranger.open('/forgot')
  await stranger.button('Send a link').click()
  await stranger.sees('Enter an email address.')
  await stranger.meetsNoBarrier('the page for a forgotten password')
  const said = []
  for (const email of ['nobody@example.com', OWNER.email]) said.push(await asks(stranger, email))
  assert.equal(said[0], said[1])
  await stranger.meetsNoBarrier('the page that says to look into the mail')
  await stranger.leaves()
})

test('the link of the mail leads to a new password, once', async () => {
  // Only the one who is somebody has got a mail.
  const mail = await at.companion.says()
  assert.deepEqual(mail.to, [OWNER.email])
  const text = textOf(mail)
  const link = `/reset#${token('reset', text)}`
  assert.ok(text.includes(at.keyward.dashboard + link), text)

  const before = await at.person()
  before.expect(401)
  await signsIn(before, OWNER.email, OWNER.password)
  const owner = await at.person()
  owner.expect(400, 401)
  await owner.open(link)
  await owner.field('New password').waitFor()
  assert.equal(owner.path, '/reset')
  await owner.field('New password').fill('Password1234')
  await owner.button('Change password').click()
  await owner.sees(/guessed soon/)
  await owner.field('New password').fill(FRESH)
  await owner.button('Change password').click()
  await owner.sees('Every other session has ended. Sign in with your new password.')
  assert.equal((await before.calls('/v1/console/members')).status, 401)
  await before.leaves()

  await owner.page.getByRole('link', { name: 'Sign in' }).click()
  await owner.comesTo(/^\/sign-in$/)
  await signsIn(owner, OWNER.email, FRESH)
  await owner.signsIn(OWNER.email, OWNER.password)
  await owner.sees('That email and password do not match. Check both and try again.')

  // The link is used up, and the page says how to get another one.
  await owner.page.goto('about:blank')
  await owner.open(link)
  await owner.field('New password').fill('another quiet harbour or two')
  await owner.button('Change password').click()
  await owner.sees('This link no longer works')
  await owner.page.getByRole('link', { name: 'Get a new link' }).click()
  await owner.comesTo('/forgot')
  await owner.leaves()
})
