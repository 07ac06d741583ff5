// Who did what, with what was before and what is after.

import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { installation } from '../journey.mjs'

const at = installation(async () => {
  owner = await at.owner()
})
let owner

const row = description => owner.page.getByRole('row').filter({ hasText: description })

test('a change stands there with before and after', async () => {
  await owner.open('/agents')
  await owner.button('Create an agent').click()
  await owner.field('Name').fill('Sales')
  await owner.page.getByRole('radio', { name: /Test/ }).click({ force: true })
  await owner.button('Create agent').click()
  await owner.sees('Agent created.')
  await owner.chooses('Actions for Sales', 'Rename')
  await owner.field('Name').fill('Partners')
  await owner.button('Save').click()
  await owner.sees('Agent renamed.')

  await owner.page.getByRole('link', { name: 'Audit log', exact: true }).click()
  for (const head of ['User', 'Description', 'Action', 'Resource', 'Status', 'Timestamp']) {
    await owner.page.getByRole('columnheader', { name: head, exact: true }).waitFor()
  }
  const renamed = row('agent.updated').first()
  await renamed.getByText('Ada Lindqvist').waitFor()
  await renamed.getByText('Success').waitFor()
  await renamed.getByRole('button', { name: /^Details of/ }).click()
  assert.equal(await owner.page.locator('.diff del').innerText(), 'Sales')
  assert.equal(await owner.page.locator('.diff ins').innerText(), 'Partners')
  await owner.sees('127.0.0.1')
})

test('it is filtered by resource and period, in the address', async () => {
  await owner.open('/audit')
  await row('agent.created').first().waitFor()
  await owner.page.getByRole('button', { name: /Resource/ }).click()
  await owner.page.getByRole('option', { name: 'Agents' }).click()
  await owner.page.waitForURL(/resource=agent/)
  await row('agent.created').first().waitFor()
  await owner.page.getByRole('radio', { name: '24 h' }).click()
  await owner.page.waitForURL(/period=24h/)
  await owner.page.reload()
  await row('agent.updated').first().waitFor()
  assert.equal(await row(/session\.|member\./).count(), 0)
})

test('it is exported as a chain', async () => {
  await owner.open('/audit')
  const began = owner.page.waitForEvent('download')
  await owner.page.getByRole('link', { name: 'Export' }).click()
  const text = await readFile(await (await began).path(), 'utf8')
  const entries = text.trim().split('\n').map(line => JSON.parse(line))
  assert.ok(entries.some(entry => entry.action === 'agent.updated'))
  for (const [place, entry] of entries.entries()) {
    if (place > 0) assert.equal(entry.previousHash, entries[place - 1].hash)
  }
})

test('a user sees only their own', async () => {
  const { member: user } = await at.member(owner, { email: 'umar@fjordsupply.example', name: 'Umar' })
  await user.open('/audit')
  await user.sees('Every change that you made')
  await user.doesNotSee('Ada Lindqvist')
  assert.equal(await user.page.getByRole('link', { name: 'Export' }).count(), 0)
  await user.leaves()
})

test('nothing went wrong', () => owner.leaves())
