// Templates of documents: made, offered for documents, versioned, deleted.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { installation } from '../journey.mjs'

let owner
const at = installation(async () => {
  owner = await at.owner()
})

const SCHEMA = { type: 'object', properties: { shop: { type: 'string', title: 'Shop' } } }
const WIDER = { type: 'object', properties: { ...SCHEMA.properties, total: { type: 'number', title: 'Total' } } }

test('a template is made, and what is no schema is refused where it stands', async () => {
  await owner.open('/document-templates')
  await owner.sees('No templates of your own yet.')
  await owner.meetsNoBarrier('no templates')
  await owner.button('Add a template').click()
  await owner.button('Add template').click()
  await owner.sees('Give the template a title.')
  await owner.field('Title').fill('Till slip, Zürich')
  assert.equal(await owner.field('Name').inputValue(), 'till-slip-zurich')
  await owner.field('JSON Schema').fill('{')
  await owner.button('Add template').click()
  await owner.sees('That is not JSON.')
  // What only the server knows stands there, too.
  owner.expect(400)
  await owner.field('JSON Schema').fill('{ "not": {} }')
  await owner.button('Add template').click()
  await owner.page.locator('.field', { hasText: 'JSON Schema' }).locator('.error').waitFor()
  await owner.field('JSON Schema').fill(JSON.stringify(SCHEMA))
  await owner.button('Add template').click()
  await owner.sees('Template added.')
  await owner.sees('till-slip-zurich')
  await owner.meetsNoBarrier('templates')
})

test('a name is taken once, also one that comes with Keyward', async () => {
  owner.expect(409)
  await owner.button('Add a template').click()
  await owner.field('Title').fill('Invoice')
  await owner.button('Add template').click()
  await owner.page.locator('.field', { hasText: 'Name' }).locator('.error').waitFor()
  await owner.button('Cancel').click()
})

test('it is offered for the documents of every agent', async () => {
  await owner.open(`/agents/${at.agent}/documents`)
  await owner.button(/Read as/).click()
  await owner.page.getByRole('option', { name: 'Till slip, Zürich' }).click()
  const [chooser] = await Promise.all([owner.page.waitForEvent('filechooser'), owner.button('Choose a file').click()])
  await chooser.setFiles({ name: 'slip.txt', mimeType: 'text/plain', buffer: Buffer.from('Shop: Corner Bakery\nTotal: 8.40\n') })
  await owner.page.getByRole('link', { name: 'slip.txt' }).click()
  await owner.sees('Corner Bakery', owner.page.locator('.fields'))
})

test('a version is added, and the ones before can be read', async () => {
  await owner.open('/document-templates')
  await owner.page.getByRole('link', { name: 'Till slip, Zürich' }).click()
  await owner.button('Add a version').click()
  await owner.dialog.waitFor()
  await owner.meetsNoBarrier('adding a version')
  assert.equal(await owner.button('Add version').isDisabled(), true)
  await owner.field('JSON Schema', owner.dialog).fill(JSON.stringify(WIDER))
  await owner.button('Add version').click()
  await owner.sees('Version 2 added.')
  const schema = owner.page.getByRole('region', { name: 'JSON Schema' })
  await owner.sees(/"Total"/, schema)
  await owner.meetsNoBarrier('a template')
  await owner.button(/Version/).click()
  await owner.page.getByRole('option', { name: /Version 1,/ }).click()
  await owner.comesTo('/document-templates/till-slip-zurich?version=1')
  await owner.page.waitForFunction(() => !document.querySelector('.code pre')?.textContent.includes('Total'))
})

test('who may only look sees no way to change or delete', async () => {
  const { member } = await at.member(owner, { email: 'luca@fjordsupply.example', name: 'Luca' })
  await member.open('/document-templates')
  await member.page.getByRole('link', { name: 'Till slip, Zürich' }).click()
  await member.page.getByRole('region', { name: 'JSON Schema' }).waitFor()
  assert.equal(await member.button('Add a version').count(), 0)
  assert.equal(await member.button('Delete').count(), 0)
  await member.leaves()
})

test('a template that is deleted is offered no more, and what was read with it stays', async () => {
  await owner.open('/document-templates/till-slip-zurich')
  await owner.button('Delete').click()
  await owner.dialog.waitFor()
  await owner.meetsNoBarrier('deleting a template')
  await owner.button('Delete template').click()
  await owner.sees('Template deleted.')
  await owner.sees('No templates of your own yet.')
  owner.expect(404)
  await owner.open('/document-templates/till-slip-zurich')
  await owner.sees('There is no such template.')
  await owner.open(`/agents/${at.agent}/documents`)
  await owner.page.getByRole('link', { name: 'slip.txt' }).click()
  await owner.sees('Corner Bakery', owner.page.locator('.fields'))
})

test('nothing went wrong', () => owner.leaves())
