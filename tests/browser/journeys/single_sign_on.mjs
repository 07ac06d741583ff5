// Signing in with a provider of OpenID Connect: a real one, which is certified.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OWNER } from '../browser.mjs'
import { Companion } from '../companion.mjs'
import { installation } from '../journey.mjs'

const CLIENT = { clientId: 'keyward', clientSecret: 'a secret of the client' }

const at = installation(
  async () => {
    const owner = await at.owner()
    await owner.leaves()
  },
  async () => {
    const companion = await Companion.start('openid_provider.mjs', { ...CLIENT, thin: false })
    const toml = `
      [[auth.oidc]]
      id = "acme"
      title = "Acme SSO"
      issuer = "${companion.ready.issuer}"
      client_id = "${CLIENT.clientId}"
      client_secret = "${CLIENT.clientSecret}"
    `
    return { toml, companion }
  },
)

/** Who is at the provider from now on. */
async function is(account) {
  const told = await fetch(`${at.companion.ready.issuer}/as`, { method: 'POST', body: JSON.stringify(account) })
  assert.ok(told.ok)
}

const signIn = person => person.page.getByRole('link', { name: 'Continue with Acme SSO' }).click()

test('whoever the provider knows as a member comes to the page that they asked for', async () => {
  await is({ sub: 'sub-ada', email: OWNER.email, email_verified: true })
  const owner = await at.person()
  await owner.open('/members')
  await owner.comesTo(/^\/sign-in$/)
  await owner.page.getByRole('link', { name: 'Continue with Acme SSO' }).waitFor()
  await owner.meetsNoBarrier('the sign-in page with a provider')
  await signIn(owner)
  await owner.comesTo('/members')
  await owner.sees(OWNER.email)
  const names = (await owner.context.cookies()).filter(({ name }) => name.startsWith('keyward_')).map(({ name }) => name)
  assert.deepEqual(names, ['keyward_session'])
  const changed = await owner.calls('/v1/console/agents', { method: 'POST', body: { name: 'Sales' } })
  assert.equal(changed.status, 201)

  // What happened stands in the audit log.
  await owner.open('/audit')
  await owner.sees(/was linked to an identity of a provider/)
  await owner.leaves()
})

test('whoever is not let in is told why', async () => {
  for (const [account, words] of [
    [{ sub: 'sub-eve', email: 'eve@example.com', email_verified: true }, /Nobody here has your email address/],
    [{ sub: 'sub-eve', email: OWNER.email, email_verified: false }, /does not say that your email address is yours/],
    [{ sub: 'sub-eve', email: OWNER.email, email_verified: true }, /belongs to another account of this provider/],
    [{}, /did not sign you in/],
  ]) {
    await is(account)
    const stranger = await at.person()
    await stranger.open('/sign-in')
    await signIn(stranger)
    await stranger.comesTo(/^\/sign-in$/)
    await stranger.page.getByRole('alert').filter({ hasText: words }).waitFor()
    await stranger.meetsNoBarrier('a sign-in that has failed')
    assert.equal((await stranger.calls('/v1/console/session')).status, 401)
    await stranger.leaves()
  }
})
