// Contacts of an agent: their fields, one by hand, its files, many from a file and back out.

import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { PATIENCE_MS } from '../browser.mjs'
import { installation } from '../journey.mjs'
import { visits } from '../pages.mjs'

const at = installation(async () => {
  owner = await at.owner()
})
let owner
/** Enough to be seen on the way. */
const ROWS = 4_000

const console_ = path => `/v1/console/agents/${at.agent}/${path}`
/** Opens a list to choose from and chooses. */
async function selects(label, option, within = owner.dialog) {
  await within.getByRole('button', { name: new RegExp(`${label}$`) }).click()
  await owner.page.getByRole('option', { name: option, exact: true }).click()
}
const adds = async (label, texts) => {
  for (const text of texts) {
    await owner.field(label).fill(text)
    await owner.page.keyboard.press('Enter')
  }
}
const isDone = () => owner.dialog.waitFor({ state: 'detached' })
/** What a file that is downloaded meanwhile holds. */
async function downloads(act) {
  const began = owner.page.waitForEvent('download')
  await act()
  return readFile(await (await began).path(), 'utf8')
}

test('a field is declared, and every contact is held to it', async () => {
  await visits(owner, `/agents/${at.agent}/contact-fields`)
  await owner.sees('No contact fields yet.')
  await owner.meetsNoBarrier('no contact fields')
  await owner.button('Add a field').click()
  await owner.button('Add field').click()
  await owner.sees('Give the field a name.')
  await owner.field('Name').fill('Tariff plan')
  assert.equal(await owner.field('Key').inputValue(), 'tariffPlan')
  await owner.field('Key').fill('plan')
  await selects('Type', 'One of a list')
  await adds('New option', ['free', 'pro', 'gold'])
  await owner.meetsNoBarrier('a new field')
  await owner.button('Add field').click()
  await owner.sees('Contact field added.')
  await isDone()
  await owner.button('Add a field').click()
  await owner.field('Name').fill('Seats')
  await selects('Type', 'Number')
  await owner.field('Smallest value (optional)').fill('1')
  await owner.button('Add field').click()
  await isDone()
  await owner.page.getByRole('cell', { name: 'at least 1' }).waitFor()
  const { body } = await owner.calls(console_('contact-fields'))
  assert.deepEqual(
    body.data.map(({ key, type, options, minimum }) => [key, type, options, minimum]),
    [
      ['plan', 'SELECT', ['free', 'pro', 'gold'], null],
      ['seats', 'NUMBER', [], 1],
    ],
  )
  await owner.meetsNoBarrier('contact fields')
})

test('a contact is made by hand, and a double is told', async () => {
  owner.expect(409)
  await visits(owner, `/agents/${at.agent}/contacts`)
  await owner.button('Add a contact').click()
  await owner.field('Name').fill('Ingrid Solberg')
  // What was typed is there when the form is opened again.
  await owner.page.keyboard.press('Escape')
  await isDone()
  await owner.button('Add a contact').click()
  assert.equal(await owner.field('Name').inputValue(), 'Ingrid Solberg')
  await owner.field('Seats (optional)').fill('0')
  await owner.button('Add contact').click()
  await owner.sees('Enter an email address or a mobile number.')
  await owner.sees('At least 1.')
  await owner.field('Email').fill('ingrid@nordlys.example')
  await owner.field('Seats (optional)').fill('12')
  await selects('Stage', 'Customer')
  await selects('Tariff plan', 'gold')
  await adds('New tag', ['newsletter', 'fair, 2026'])
  await owner.meetsNoBarrier('a new contact')
  await owner.button('Add contact').click()
  await owner.page.getByRole('heading', { level: 1, name: 'Ingrid Solberg' }).waitFor()
  for (const text of ['gold', '12', 'fair, 2026', 'Tariff plan']) await owner.sees(text)
  await owner.meetsNoBarrier('a contact')

  await owner.open(`/agents/${at.agent}/contacts`)
  await owner.button('Add a contact').click()
  await owner.field('Email').fill('INGRID@nordlys.example')
  await owner.button('Add contact').click()
  await owner.sees('Another contact has this email address or mobile number.')
  await owner.dialog.getByRole('listitem').getByText('Ingrid Solberg').waitFor()
  await owner.button('Add contact all the same').click()
  await owner.sees(/Another contact has the same email address/)
})

test('it is changed, archived, found again and deleted', async () => {
  await owner.open(`/agents/${at.agent}/contacts?q=solberg`)
  await owner.page.getByRole('link', { name: 'Ingrid Solberg' }).click()
  await owner.button('Edit').click()
  await owner.field('Mobile number').fill('+47 900 12 345')
  await owner.field('New tag').fill('typed, not added')
  await owner.button('Remove newsletter').click()
  // Somebody else is faster.
  const id = /contacts\/([0-9a-f]{24})/.exec(owner.path)[1]
  owner.expect(412)
  await owner.calls(console_(`contacts/${id}`), { method: 'PATCH', body: { source: 'fair' } })
  await owner.button('Save changes').click()
  await owner.sees('Somebody changed this contact meanwhile.')
  await owner.button('Start again from theirs').click()
  await owner.field('Mobile number').fill('+47 900 12 345')
  await owner.button('Remove newsletter').click()
  await owner.button('Save changes').click()
  await owner.sees('Contact updated.')
  await owner.sees('+4790012345')
  const { body } = await owner.calls(console_(`contacts/${id}`))
  assert.deepEqual([body.data.tags, body.data.source, body.data.customFields], [['fair, 2026'], 'fair', { plan: 'gold', seats: 12 }])

  await owner.chooses('More actions', 'Archive')
  await owner.sees('Contact archived.')
  await owner.open(`/agents/${at.agent}/contacts?q=solberg`)
  await owner.sees('No contact matches')
  await owner.page.getByRole('button', { name: /Status$/ }).click()
  await owner.page.getByRole('option', { name: 'Archived', exact: true }).click()
  await owner.page.waitForURL(/status=ARCHIVED/)
  await owner.chooses('Actions for Ingrid Solberg', 'Unarchive')
  await owner.sees('No contact matches')
  await owner.button('Undo').last().click()
  await owner.chooses('Actions for Ingrid Solberg', 'Delete')
  await owner.button('Delete contact').click()
  await owner.sees('Contact deleted.')
  await owner.sees('No contact matches')
})

test('what is stored stays when its field changes or goes', async () => {
  owner.expect(409)
  const { body } = await owner.calls(console_('contacts'), {
    method: 'POST',
    body: { email: 'kwame@lagosmart.example', name: 'Kwame Mensah', customFields: { plan: 'gold', seats: 3 } },
  })
  await visits(owner, `/agents/${at.agent}/contact-fields`)
  await owner.chooses('Actions for Tariff plan', 'Edit')
  await owner.button('Remove gold').click()
  await owner.button('Save changes').click()
  await owner.sees(/The values of .+ do not fit/)
  await owner.button('Save changes all the same').click()
  await owner.sees('Contact field updated.')
  await owner.chooses('Actions for Seats', 'Remove')
  await owner.button('Remove field').click()
  await owner.sees(/There are values of .+ They stay there/)
  await owner.button('Remove all the same').click()
  await owner.sees('Contact field removed.')
  await owner.open(`/agents/${at.agent}/contacts/${body.data.id}`)
  await owner.sees('No field')
  await owner.sees('gold')
  // One may stay, the other can go.
  await owner.button('Edit').click()
  await owner.page.getByText('Remove seats').click()
  await owner.button('Save changes').click()
  await owner.sees('Contact updated.')
  const after = await owner.calls(console_(`contacts/${body.data.id}`))
  assert.deepEqual(after.body.data.customFields, { plan: 'gold' })
  const held = JSON.parse(await downloads(() => owner.chooses('More actions', 'Export all that is held')))
  assert.equal(held.data.contact.email, 'kwame@lagosmart.example')
})

test('a list is filtered by a field, in the address', async () => {
  await owner.open(`/agents/${at.agent}/contacts`)
  await owner.button('By a field').click()
  await owner.button('Filter').click()
  await owner.sees('Say which value.')
  await selects('Value', 'pro')
  await owner.meetsNoBarrier('a filter by a field')
  await owner.button('Filter').click()
  await owner.sees('No contact matches')
  await owner.page.reload()
  await owner.sees('Tariff plan: pro')
  await owner.button('Any Tariff plan').click()
  await owner.page.getByRole('link', { name: 'Kwame Mensah' }).waitFor()
})

test('files go up, come down and are deleted', async () => {
  await owner.open(`/agents/${at.agent}/contacts?q=kwame`)
  await owner.page.getByRole('link', { name: 'Kwame Mensah' }).click()
  await owner.button('Upload').waitFor()
  owner.expect(400)
  await owner.page.locator('input[type=file]').setInputFiles([
    { name: 'Vertrag (ü) 1’.txt', mimeType: 'text/plain', buffer: Buffer.from('signed\n') },
    { name: 'of no known type', mimeType: '', buffer: Buffer.from([1, 2, 3]) },
    { name: 'empty.txt', mimeType: 'text/plain', buffer: Buffer.alloc(0) },
    { name: 'page.png', mimeType: 'image/png', buffer: Buffer.from('<!doctype html><script>alert(1)</script>') },
  ])
  await owner.sees('2 files uploaded.')
  await owner.sees('is empty.')
  await owner.sees(/was not uploaded/)
  await owner.meetsNoBarrier('files of a contact')
  const content = await downloads(() => owner.page.getByRole('link', { name: /^Download Vertrag/ }).click())
  assert.equal(content, 'signed\n')
  await owner.page.getByRole('button', { name: /^Delete Vertrag/ }).click()
  await owner.button('Delete file').click()
  await owner.sees('File deleted.')
})

test('a file of contacts is checked, imported and reported line by line', async () => {
  const csv = '\ufeffFull name;E-Mail;Mobil;Tarif\r\nYuki Tanaka;yuki@kaizen.example;0170 1234567;pro\r\n;no address;;\r\n"Maria; Silva";maria@porto.example;;platinum\r\n'
  await visits(owner, `/agents/${at.agent}/contacts`)
  await owner.chooses('Import', 'Import a file')
  await owner.button('Next').click()
  await owner.sees('Choose a file first.')
  await owner.page.locator('input[type=file]').setInputFiles({ name: 'people.csv', mimeType: 'text/csv', buffer: Buffer.from(csv) })
  await owner.sees('people.csv')
  await owner.button('How numbers, dates and phones are written').click()
  await owner.field('Country of phone numbers without one (optional)').fill('de')
  await owner.meetsNoBarrier('the first step of an import')
  await owner.button('Next').click()
  await owner.sees('Step 2 of 2 — Say what its columns are')
  await selects('What the column Mobil is', 'Mobile number')
  await selects('What the column Tarif is', 'Tariff plan')
  await owner.meetsNoBarrier('the second step of an import')
  await owner.button('Check only').click()
  await owner.sees('Checked, nothing written')
  await owner.page.getByRole('cell', { name: '3', exact: true }).waitFor()
  assert.equal((await owner.calls(console_('contacts?search=Yuki'))).body.data.length, 0)
  await owner.button('Import', owner.dialog).click()
  await owner.sees('Imported')
  for (const [name, count] of [['Rows', '3'], ['New', '1'], ['Refused', '2']]) {
    assert.equal(await owner.dialog.locator('.counts div', { hasText: name }).locator('dd').innerText(), count, name)
  }
  await owner.meetsNoBarrier('what came of an import')
  await owner.page.getByRole('link', { name: 'The report' }).click()
  await owner.page.getByRole('heading', { level: 1, name: 'people.csv' }).waitFor()
  await owner.page.getByRole('row', { name: /^4 / }).waitFor()
  await owner.meetsNoBarrier('the report of an import')
  const { body } = await owner.calls(console_('contacts?search=Yuki'))
  assert.deepEqual([body.data[0].mobileNumber, body.data[0].customFields], ['+491701234567', { plan: 'pro' }])
  await visits(owner, `/agents/${at.agent}/contact-imports`)
  await owner.sees('Check only')
  await owner.meetsNoBarrier('imports')
})

test('what is listed goes out as a file, and in again without a change', async () => {
  await owner.open(`/agents/${at.agent}/contacts?q=Yuki`)
  await owner.page.getByRole('link', { name: 'Yuki Tanaka' }).waitFor()
  const csv = await downloads(() => owner.chooses('Export', 'CSV, for a spreadsheet'))
  assert.match(csv, /Yuki Tanaka/)
  assert.doesNotMatch(csv, /Kwame/)
  await owner.chooses('Import', 'Import a file')
  await owner.page.locator('input[type=file]').setInputFiles({ name: 'contacts.csv', mimeType: 'text/csv', buffer: Buffer.from(csv) })
  await owner.sees('contacts.csv')
  await owner.button('Next').click()
  await owner.button('Import', owner.dialog).click()
  await owner.sees('Imported')
  assert.equal(await owner.dialog.locator('.counts div', { hasText: 'As they were' }).locator('dd').innerText(), '1')
  await owner.button('Done').click()
  // What names no column is refused as a whole.
  await owner.chooses('Import', 'Import a file')
  await owner.page.locator('input[type=file]').setInputFiles({ name: 'none.csv', mimeType: 'text/csv', buffer: Buffer.from('\n') })
  await owner.sees('The first line of the file must name the columns.')
})

test('a user reads, and changes nothing', async () => {
  const { member: user } = await at.member(owner, { email: 'umar@fjordsupply.example', name: 'Umar' })
  for (const path of ['contacts', 'contact-fields', 'contact-imports']) {
    await visits(user, `/agents/${at.agent}/${path}`)
    assert.equal(await user.page.getByRole('button', { name: /^(Add|Actions)/ }).count(), 0, path)
  }
  await user.open(`/agents/${at.agent}/contacts`)
  await user.page.getByRole('link', { name: 'Kwame Mensah' }).click()
  await user.page.getByRole('heading', { level: 2, name: 'Files' }).waitFor()
  for (const name of ['Edit', 'Upload', 'More actions']) assert.equal(await user.button(name).count(), 0, name)
  await user.leaves()
})

test('a long import shows how far it is, is stopped, and goes on where it stood', async () => {
  const rows = Array.from({ length: ROWS }, (_, row) => `Row ${row},row${row}@many.example`)
  const buffer = Buffer.from(['name,email', ...rows].join('\n'))
  await visits(owner, `/agents/${at.agent}/contacts`)
  await owner.chooses('Import', 'Import a file')
  await owner.page.locator('input[type=file]').setInputFiles({ name: 'many.csv', mimeType: 'text/csv', buffer })
  await owner.sees('many.csv')
  await owner.button('Next').click()
  // Slow enough to be seen on any machine.
  const network = await owner.context.newCDPSession(owner.page)
  const goesUpAt = (uploadThroughput) =>
    network.send('Network.emulateNetworkConditions', {
      offline: false,
      latency: 0,
      downloadThroughput: -1,
      uploadThroughput,
    })
  await goesUpAt(10_000)
  await owner.button('Import', owner.dialog).click()
  await owner.sees(/^[1-9][\d,]* rows so far$/)
  await owner.button('Stop').last().click()
  await owner.sees('Stopped. What was counted so far is written.')
  await goesUpAt(-1)
  await owner.button('Go on').click()
  await owner.page.getByText('Imported', { exact: true }).waitFor({ timeout: 5 * PATIENCE_MS })
  for (const [name, count] of [['Rows', ROWS], ['New', ROWS], ['Refused', 0]]) {
    const shown = await owner.dialog.locator('.counts div', { hasText: name }).locator('dd').innerText()
    assert.equal(shown, count.toLocaleString('en-US'), name)
  }
  await owner.button('Done').click()
})

test('nothing went wrong', () => owner.leaves())
