// Documents: sent by a person, seen page by page, corrected by clicking words, learned from, deleted.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { test } from 'node:test'
import { receipt } from '../documents.mjs'
import { installation } from '../journey.mjs'

let owner
/** What a language model was asked. */
const asked = []
const at = installation(
  async () => {
    owner = await at.owner()
  },
  async () => {
    // It finds the shop and makes an IBAN up.
    const said = JSON.stringify({ shop: 'Corner Bakery', total: '8.40', date: null, iban: 'DE89370400440532013000' })
    const server = createServer(async (request, response) => {
      let body = ''
      for await (const chunk of request) body += chunk
      asked.push(body)
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify({ choices: [{ message: { content: said }, finish_reason: 'stop' }] }))
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const toml = `
      [[extraction.llm]]
      name = "house-model"
      url = "http://127.0.0.1:${server.address().port}/v1"
      model = "scripted"
      organizations = ["*"]
    `
    const stop = () => {
      server.close()
      server.closeAllConnections()
    }
    return { toml, companion: { stop } }
  },
)

const SCHEMA = {
  type: 'object',
  properties: {
    shop: { type: 'string', title: 'Shop' },
    total: { type: 'number', title: 'Total' },
    date: { type: 'string', format: 'date', title: 'Date' },
    iban: { type: 'string', title: 'IBAN' },
  },
}

/** Chooses a file, as the button of the drop zone does. */
async function chooses(name, mimeType, buffer) {
  const [chooser] = await Promise.all([owner.page.waitForEvent('filechooser'), owner.button('Choose a file').click()])
  await chooser.setFiles({ name, mimeType, buffer })
}

/** The row of a value. */
const row = label => owner.page.locator('.fields li').filter({ hasText: label })

/** The value of a field as the API says it. */
async function job() {
  const id = owner.path.split('/').at(-1)
  return (await owner.calls(`/v1/console/agents/${at.agent}/documents/${id}`)).body.data
}

test('a receipt is sent with a schema of its own, and is read', async () => {
  await owner.open(`/agents/${at.agent}/documents`)
  await owner.sees('No documents yet.')
  await owner.meetsNoBarrier('no documents')
  await owner.button(/Read as/).click()
  await owner.page.getByRole('option', { name: 'Own schema' }).click()
  // What is no schema sends nothing.
  await owner.field('JSON Schema').fill('{')
  await chooses('receipt.pdf', 'application/pdf', receipt())
  await owner.sees('That is not JSON.')
  await owner.field('JSON Schema').fill(JSON.stringify(SCHEMA))
  await chooses('receipt.pdf', 'application/pdf', receipt())
  await owner.sees('receipt.pdf is queued.')
  await owner.page.getByRole('link', { name: 'receipt.pdf' }).waitFor()
  await owner.sees('Done', owner.page.locator('tbody'))
  await owner.meetsNoBarrier('documents')
  await owner.page.getByRole('link', { name: 'receipt.pdf' }).click()
})

test('each value stands beside the picture of its page, which has its box', async () => {
  await owner.page.waitForFunction(() => document.querySelector('.doc-page img')?.naturalWidth > 0)
  assert.equal(await owner.page.locator('.doc-page img').getAttribute('alt'), 'Page 1 of receipt.pdf')
  await row('Total').waitFor()
  await owner.sees('Not in the document', row('IBAN'))
  const boxes = owner.page.locator('.doc-page rect')
  await boxes.first().waitFor()
  // One lights the other.
  await row('Total').hover()
  await owner.page.locator('.doc-page rect.on').first().waitFor()
  assert.equal(await owner.page.locator('.doc-page rect.on').count(), 1)
  await owner.meetsNoBarrier('a document')
})

test('a value is corrected by clicking its words, and what is no value is refused before it is sent', async () => {
  await owner.button('Correct Shop').click()
  await owner.field('Shop').fill('')
  await owner.button('Save').click()
  await owner.sees('Type the value, or say that it is not in the document.')
  const words = owner.page.locator('.doc-page rect.word')
  await words.first().waitFor()
  // Whichever is clicked first, they are taken in their order.
  await words.nth(1).click()
  await words.nth(0).click()
  assert.equal(await owner.field('Shop').inputValue(), 'Corner Bakery')
  await owner.meetsNoBarrier('a value that is corrected')
  await owner.button('Save').click()
  await owner.sees('Correction saved.')
  await owner.sees('Corrected', row('Shop'))
  await owner.sees('1 corrected document of this schema so far. It takes 3 before it is used.')

  // By typing, as documents write numbers.
  await owner.button('Correct Total').click()
  await owner.field('Total').fill('9,75 EUR')
  await owner.page.keyboard.press('Enter')
  await owner.sees('9.75', row('Total'))
  const { corrections } = await job()
  assert.deepEqual(
    corrections.map(({ path, value }) => [path, value]).sort(),
    [
      ['/shop', 'Corner Bakery'],
      ['/total', 9.75],
    ],
  )
})

test('a correction can say that there is nothing, and can be taken back', async () => {
  await owner.button('Correct Total').click()
  await owner.button('Not in the document').click()
  await owner.sees('Not in the document', row('Total'))
  await owner.button('Correct Total').click()
  await owner.button('Take back').click()
  await owner.sees('Correction taken back.')
  assert.deepEqual(
    (await job()).corrections.map(({ path }) => path),
    ['/shop'],
  )
})

test('a language model is chosen where the operator has set one up, and what it makes up is no value', async () => {
  await owner.open(`/agents/${at.agent}/documents`)
  // Nobody's documents leave unless somebody says so.
  assert.equal(asked.length, 0)
  await owner.button(/Engine/).click()
  await owner.page.getByRole('option', { name: 'house-model' }).click()
  await owner.sees('The text of the document is sent to this language model')
  await owner.meetsNoBarrier('documents with a language model')
  await owner.button(/Read as/).click()
  await owner.page.getByRole('option', { name: 'Own schema' }).click()
  await owner.field('JSON Schema').fill(JSON.stringify(SCHEMA))
  await chooses('by-model.txt', 'text/plain', Buffer.from('Corner Bakery\nDate: 2026-03-14\nTotal: 8.40 EUR\n'))
  await owner.page.getByRole('link', { name: 'by-model.txt' }).click()
  await owner.sees('Corner Bakery', row('Shop'))
  await owner.sees('Not in the document', row('IBAN'))
  assert.equal((await job()).options.engine, 'house-model')
  assert.ok(asked.length > 0 && asked[0].includes('Corner Bakery'))
})

test('a text has no picture: its words are there to be clicked', async () => {
  await owner.open(`/agents/${at.agent}/documents`)
  await owner.button(/Read as/).click()
  await owner.page.getByRole('option', { name: 'Own schema' }).click()
  await owner.field('JSON Schema').fill(JSON.stringify(SCHEMA))
  await chooses('receipt.txt', 'text/plain', Buffer.from('Corner Bakery\nDate: 2026-03-14\nTotal: 8.40 EUR\n'))
  await owner.page.getByRole('link', { name: 'receipt.txt' }).click()
  await owner.button('Correct Shop').click()
  for (const word of [0, 1]) await owner.page.locator(`.doc-words [data-word="${word}"]`).click()
  assert.equal(await owner.field('Shop').inputValue(), 'Corner Bakery')
  await owner.meetsNoBarrier('a document without a picture')
  await owner.page.keyboard.press('Escape')
  await owner.field('Shop').waitFor({ state: 'detached' })
})

test('who may only look sees no way to send, correct or delete', async () => {
  const { member } = await at.member(owner, { email: 'luca@fjordsupply.example', name: 'Luca' })
  await member.open(`/agents/${at.agent}/documents`)
  await member.page.getByRole('link', { name: 'receipt.pdf' }).click()
  await member.page.locator('.fields li').filter({ hasText: 'Shop' }).waitFor()
  assert.equal(await member.button('Delete').count(), 0)
  assert.equal(await member.page.getByRole('button', { name: /^Correct/ }).count(), 0)
  await member.leaves()
})

test('a document that is deleted is gone with its pages', async () => {
  await owner.open(`/agents/${at.agent}/documents`)
  await owner.page.getByRole('link', { name: 'receipt.pdf' }).click()
  await row('Shop').waitFor()
  const path = `/v1/console${owner.path}`
  await owner.button('Delete').click()
  await owner.dialog.waitFor()
  await owner.meetsNoBarrier('deleting a document')
  await owner.button('Delete document').click()
  await owner.sees('Document deleted.')
  await owner.comesTo(`/agents/${at.agent}/documents`)
  owner.expect(404)
  for (const gone of [path, `${path}/pages/1`, `${path}/pages/1/image`]) {
    assert.equal((await owner.calls(gone)).status, 404, gone)
  }
  await owner.open(path.replace('/v1/console', ''))
  await owner.sees('There is no such document.')
})

test('nothing went wrong', () => owner.leaves())
