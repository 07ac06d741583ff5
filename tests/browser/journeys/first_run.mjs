// A new installation: one link, one owner.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { installation } from '../journey.mjs'
import { OWNER } from '../browser.mjs'

const at = installation()

const answers = (person, path) => person.page.waitForResponse(response => response.url().endsWith(path))

test('what is missing is said beside its field, and nothing is sent', async () => {
  const owner = await at.person()
  await owner.open(`/setup#${at.keyward.setupToken}`)
  await owner.field('First agent').fill('')
  await owner.field('Password').fill('short')
  await owner.sees('7 more characters')
  await owner.button('Create organization').click()
  for (const words of [
    'Give the organization a name.',
    'Say who you are.',
    'Enter an email address.',
    'At least 12 characters.',
    'Give the agent a name.',
  ]) {
    await owner.sees(words)
  }
  assert.equal(await owner.page.evaluate(() => document.activeElement.name), 'organization')
  await owner.leaves()
})

test('the token of the link stands in no address and in no storage', async () => {
  const owner = await at.person()
  const sent = []
  owner.page.on('request', request => sent.push(request.url()))
  await owner.open(`/setup#${at.keyward.setupToken}`)
  await owner.field('Organization').waitFor()
  assert.equal(owner.path, '/setup')
  assert.ok(sent.every(url => !url.includes(at.keyward.setupToken)))
  const kept = await owner.page.evaluate(() => JSON.stringify([history.state, localStorage, sessionStorage, document.cookie]))
  assert.ok(!kept.includes(at.keyward.setupToken))
  await owner.leaves()
})

test('used twice at once, the link makes one organization', async () => {
  const people = await Promise.all([at.person(), at.person()])
  for (const [number, person] of people.entries()) {
    person.expect(401)
    await person.open(`/setup#${at.keyward.setupToken}`)
    await person.field('Organization').fill('Fjord Supply Co.')
    await person.field('Your name').fill(`Owner ${number}`)
    await person.field('Email').fill(OWNER.email)
    await person.field('Password').fill(OWNER.password)
  }
  const told = await Promise.all(
    people.map(async person => {
      const answer = answers(person, '/v1/console/setup')
      await person.button('Create organization').click()
      return (await answer).status()
    }),
  )
  assert.deepEqual(told.sort(), [201, 401])
  const [first] = await Promise.all(
    people.map(async person => {
      await person.page.getByRole('heading', { level: 1 }).filter({ hasText: /API Permission|no longer works/ }).waitFor()
      return person
    }),
  )
  const winner = people.find(person => person.path.startsWith('/agents/')) ?? first
  const loser = people.find(person => person !== winner)
  await winner.sees('No API keys yet.')
  await loser.sees('This link no longer works')
  await loser.sees('keyward setup-link')
  for (const person of people) await person.leaves()
})

test('used again, it works no more', async () => {
  const late = await at.person()
  late.expect(400, 401)
  for (const token of [at.keyward.setupToken, 'kwsetup_made-up']) {
    await late.open('/sign-in')
    await late.open(`/setup#${token}`)
    await late.field('Organization').fill('Evil Supply Co.')
    await late.field('Your name').fill('Mallory')
    await late.field('Email').fill('mallory@example.com')
    await late.field('Password').fill(OWNER.password)
    await late.button('Create organization').click()
    await late.sees('This link no longer works')
  }
  await late.open('/sign-in')
  await late.open('/setup')
  await late.sees('This link no longer works')
  await late.leaves()
})
