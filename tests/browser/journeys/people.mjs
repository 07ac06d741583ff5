// Members come by invitation, have rights, lose them, and go.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { installation, PASSWORD, signsIn } from '../journey.mjs'
import { token } from '../keyward.mjs'

const at = installation(async () => {
  owner = await at.owner()
})
let owner

async function link(person) {
  return person.dialog.locator('code').innerText()
}

async function joins(link, name) {
  const person = await at.person()
  person.expect(401)
  await person.open(`/invite#${token('invite', link)}`)
  await person.field('Your name').fill(name)
  await person.field('Password').fill(PASSWORD)
  await person.button('Join').click()
  return person
}

test('an invitation is shown once and works once', async () => {
  await owner.open('/members')
  await owner.button('Invite a member').click()
  await owner.button('Create the link').click()
  await owner.sees('Enter an email address.')
  await owner.field('Email').fill('priya@fjordsupply.example')
  await owner.button('Create the link').click()
  await owner.button('Copy the link').click()
  await owner.sees('Link copied to clipboard')
  const invitation = await link(owner)
  assert.equal(await owner.page.evaluate(() => navigator.clipboard.readText()), invitation)
  await owner.button('Done').click()
  await owner.sees('Link expires in 7 days')
  await owner.page.reload()
  await owner.sees('priya@fjordsupply.example')
  assert.ok(!(await owner.page.content()).includes(token('invite', invitation)))

  const priya = await joins(invitation, 'Priya Raman')
  await priya.comesTo(/\/(settings|agents)\//)
  await priya.sees('You can look at API keys. Only an owner or an admin can create or change them.')
  const again = await joins(invitation, 'Mallory')
  await again.sees('This link no longer works')
  await again.leaves()
  await priya.leaves()
  await owner.page.reload()
  await owner.sees('Priya Raman')
})

test('a new link ends the one before, and a withdrawn one works no more', async () => {
  await owner.open('/members')
  await owner.button('Invite a member').click()
  await owner.field('Email').fill('luca@fjordsupply.example')
  await owner.button('Create the link').click()
  await owner.button('Done').waitFor()
  const first = await link(owner)
  await owner.button('Done').click()
  await owner.chooses('Actions for luca@fjordsupply.example', 'New link')
  await owner.button('Create the link').click()
  await owner.button('Done').waitFor()
  const second = await link(owner)
  await owner.button('Done').click()
  const early = await joins(first, 'Luca')
  await early.sees('This link no longer works')
  await early.leaves()
  await owner.chooses('Actions for luca@fjordsupply.example', 'Withdraw')
  await owner.button('Withdraw').click()
  await owner.sees('Invitation withdrawn.')
  const late = await joins(second, 'Luca')
  await late.sees('This link no longer works')
  await late.leaves()
})

test('a user sees no action and is refused by hand', async () => {
  const { member: user } = await at.member(owner, { email: 'umar@fjordsupply.example', name: 'Umar' })
  user.expect(403)
  for (const [path, action] of [
    ['/agents', 'Create an agent'],
    ['/members', 'Invite a member'],
    [`/agents/${at.agent}/api-permissions`, 'Add API Key'],
  ]) {
    await user.open(path)
    await user.page.getByRole('heading', { level: 1 }).waitFor()
    await user.page.locator('table, .empty').first().waitFor()
    assert.equal(await user.button(action).count(), 0, path)
    assert.equal(await user.page.getByRole('button', { name: /^Actions for / }).count(), 0, path)
  }
  for (const [path, method, body] of [
    ['/v1/console/agents', 'POST', { name: 'x' }],
    ['/v1/console/members', 'POST', { email: 'x@example.com', role: 'USER' }],
    [`/v1/console/agents/${at.agent}/api-keys`, 'POST', { name: 'x', permissions: ['contacts:read'] }],
    [`/v1/console/agents/${at.agent}/contacts`, 'POST', { email: 'x@example.com' }],
  ]) {
    const refused = await user.calls(path, { method, body })
    assert.deepEqual([refused.status, refused.body.error.code], [403, 'role_required'], path)
  }
  assert.equal((await user.calls(`/v1/console/agents/${at.agent}/contacts`)).status, 200)
  await user.leaves()
})

test('a demotion bites on the next click', async () => {
  const { member: admin, id } = await at.member(owner, {
    email: 'dana@fjordsupply.example',
    name: 'Dana Okafor',
    role: 'ADMIN',
  })
  // Their cookie is renewed with their role. What is on its way meanwhile is refused, and the page sends it again.
  admin.expect(401, 403)
  const { body } = await admin.calls(`/v1/console/agents/${at.agent}/api-keys`, {
    method: 'POST',
    body: { name: 'Made by Dana', permissions: ['contacts:read'] },
  })
  const { key, secret } = body.data
  const called = async () => {
    const path = `/v1/open/contacts/chatbots/${at.agent}`
    return (await at.keyward.call(path, { key: key.apiKey, secret })).body.error?.code
  }
  assert.equal(await called(), undefined)
  await admin.open('/agents')
  await admin.button('Create an agent').click()
  await admin.field('Name').fill('Too late')
  await owner.open('/members')
  await owner.page.getByRole('button', { name: /Role of Dana Okafor/ }).click()
  await owner.page.getByRole('option', { name: 'User' }).click()
  await owner.sees('Role changed.')
  await admin.button('Create agent').click()
  await admin.sees(/You may no longer/)
  // Also in the form, whose buttons it moves.
  await admin.dialog.locator('.notice.bad').waitFor()
  // What stands behind a dialog cannot be found by its role, so that only this tells that it is gone.
  await admin.button('Cancel').click()
  await admin.page.getByRole('dialog').waitFor({ state: 'detached' })
  await admin.button('Create an agent').waitFor({ state: 'detached' })
  await admin.doesNotSee('Too late')
  // What they have made shrinks with them, at once.
  assert.equal(await called(), 'permission_denied')
  await owner.open(`/agents/${at.agent}/api-permissions`)
  await owner.page.getByRole('row').filter({ hasText: 'Made by Dana' }).getByText('No access').waitFor()

  await owner.open('/members')
  await owner.chooses('Actions for Dana Okafor', 'Remove')
  await owner.button('Remove member').click()
  await owner.sees('Member removed.')
  // By what they do next, or before that by what the page asks for by itself: then the dialog bars the link.
  const ended = admin.page.getByRole('dialog', { name: 'Your session has ended' })
  await admin.page.getByRole('link', { name: 'Members', exact: true }).or(ended).first().click({ position: { x: 5, y: 5 } })
  await ended.waitFor()
  owner.expect(404)
  assert.equal((await owner.calls(`/v1/console/members/${id}`)).status, 404)
  await admin.leaves()
})

test('a reset link sets a new password, once', async () => {
  const { member: priya } = await at.member(owner, { email: 'rosa@fjordsupply.example', name: 'Rosa' })
  priya.expect(401)
  await owner.open('/members')
  await owner.chooses('Actions for Rosa', 'Password reset link')
  await owner.button('Create the link').click()
  await owner.button('Done').waitFor()
  const reset = token('reset', await link(owner))
  await owner.button('Done').click()
  const elsewhere = await at.person()
  elsewhere.expect(401)
  await elsewhere.open(`/reset#${reset}`)
  await elsewhere.field('New password').fill('quite another password')
  await elsewhere.button('Change password').click()
  await elsewhere.sees('Password changed')
  await elsewhere.page.getByRole('link', { name: 'Sign in' }).click()
  // Whoever was signed in with the old one is not any more.
  assert.equal((await priya.calls('/v1/console/members')).status, 401)
  await elsewhere.signsIn('rosa@fjordsupply.example', PASSWORD)
  await elsewhere.sees('That email and password do not match. Check both and try again.')
  await signsIn(elsewhere, 'rosa@fjordsupply.example', 'quite another password')
  await elsewhere.open('/sign-in')
  await elsewhere.open(`/reset#${reset}`)
  await elsewhere.field('New password').fill('a third one, quite long')
  await elsewhere.button('Change password').click()
  await elsewhere.sees('This link no longer works')
  await elsewhere.leaves()
  await priya.leaves()
})

test('nothing went wrong for the owner', () => owner.leaves())
