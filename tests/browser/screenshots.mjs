// Pictures of the dashboard, light and dark, of an organization that has something to show.
// node screenshots.mjs FOLDER

import { once } from 'node:events'
import { createServer } from 'node:http'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { launch, OWNER, Person, PHONE } from './browser.mjs'
import { invoice, receipt } from './documents.mjs'
import { PASSWORD, signsIn } from './journey.mjs'
import { Keyward, token } from './keyward.mjs'
import { visits } from './pages.mjs'

const folder = process.argv[2]
if (!folder) throw new Error('screenshots.mjs FOLDER')

/** Contacts: name, email, stage, tags. */
const PEOPLE = [
  ['Ingrid Solberg', 'ingrid@nordlys.example', 'CUSTOMER', 'newsletter'],
  ['Kwame Mensah', 'kwame@lagosmart.example', 'LEAD'],
  ['Yuki Tanaka', 'yuki@kaizen.example', 'PROSPECT', 'trial', 'newsletter'],
  ['Søren Kjær', 'soren@hardanger.example', 'CUSTOMER'],
  ['Αθηνά Παπαδοπούλου', 'athina@kafeneio.example', 'OLD_CUSTOMER'],
  ['Maria Silva', 'maria@porto.example', 'LEAD', 'fair-2026'],
]

/** As a spreadsheet in Germany writes it; the third row has no address. */
const LEADS = `Name;E-Mail;Telefon;Tarif;Stand
Liv Aas;liv@bergen.example;+47 900 12 345;pro;A4
Noor Haddad;noor@cedar.example;;free;B1
Unbekannt;;;gold;B1
`

// A receiver of webhooks that has gone wrong, and then right.
const answers = [500]
const receiver = createServer((request, response) => {
  request.resume()
  response.writeHead(answers.shift() ?? 204).end()
})
receiver.listen(0, '127.0.0.1')
await once(receiver, 'listening')
const keyward = await Keyward.start(
  {},
  '[contacts.webhooks]\nallowed_ranges = ["127.0.0.0/8"]\nallowed_ports = []\nallow_http = true\n',
)
const browser = await launch()
try {
  await takeAll()
} finally {
  await browser.close()
  await keyward.stop()
  receiver.close()
}

async function takeAll() {
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { recursive: true })
  const owner = await Person.at(browser, keyward)
  await owner.open(`/setup#${keyward.setupToken}`)
  await owner.field('Organization').waitFor()
  await take(owner, 'setup', 'light')
  const agent = await owner.setsUp()
  await take(owner, 'keys-empty', 'light')
  const made = await furnish(owner, agent)
  await owner.leaves()

  for (const theme of ['light', 'dark']) {
    const person = await Person.at(browser, keyward, { theme })
    await person.open('/sign-in')
    await person.field('Email').waitFor()
    await take(person, 'sign-in', theme)
    await signsIn(person, OWNER.email, OWNER.password)
    for (const [name, path] of Object.entries({
      keys: `/agents/${agent}/api-permissions`,
      key: `/agents/${agent}/api-permissions/${made.key.id}`,
      agents: '/agents',
      members: '/members',
      audit: '/audit',
      contacts: `/agents/${agent}/contacts`,
      contact: `/agents/${agent}/contacts/${made.contact}`,
      'contact-fields': `/agents/${agent}/contact-fields`,
      webhooks: `/agents/${agent}/webhooks`,
      webhook: `/agents/${agent}/webhooks/${made.webhook}`,
      documents: `/agents/${agent}/documents`,
      document: `/agents/${agent}/documents/${made.document}`,
      settings: '/settings',
    })) {
      await visits(person, path)
      await take(person, name, theme)
    }
    await visits(person, `/agents/${agent}/api-permissions`)
    await person.button('Add API Key').first().click()
    await person.dialog.waitFor()
    await person.field('Name').fill('Nightly export')
    await take(person, 'add-1', theme)
    await person.button('Next').click()
    await person.sees('Step 2 of 2 — Configure permissions')
    await take(person, 'add-2', theme)
    await visits(person, `/agents/${agent}/contacts`)
    await person.button('Add a contact').click()
    await person.field('Name').fill('Ada Byron')
    await take(person, 'add-contact', theme)
    await person.button('Cancel').click()
    await person.chooses('Import', 'Import a file')
    await person.page.locator('input[type=file]').setInputFiles({
      name: 'fair 2026.csv',
      mimeType: 'text/csv',
      buffer: Buffer.from(LEADS),
    })
    await person.sees('fair 2026.csv')
    await person.button('Next').click()
    await take(person, 'import', theme)
    await person.button('Check only').click()
    await person.sees('Checked, nothing written')
    await take(person, 'import-report', theme)
    await person.context.close()
  }
  const phone = await Person.at(browser, keyward, { viewport: PHONE })
  await signsIn(phone, OWNER.email, OWNER.password)
  await visits(phone, '/members')
  await take(phone, 'phone-members', 'light')
  await phone.open(`/agents/${agent}/api-permissions`)
  await phone.sees('Desktop Only')
  await take(phone, 'phone-desktop-only', 'light')
  await phone.context.close()
}

/** Keys that were used, refused and rotated, people, contacts. */
async function furnish(owner, agent) {
  const made = async (path, body) => {
    const { status, body: answer } = await owner.calls(path, { method: 'POST', body })
    if (status > 202) throw new Error(`${path}: ${JSON.stringify(answer)}`)
    return answer.data
  }
  await made('/v1/console/agents', { name: 'Partners' })
  await made('/v1/console/agents', { name: 'Sandbox', mode: 'TEST' })
  const keysPath = `/v1/console/agents/${agent}/api-keys`
  const day = days => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10)
  await made(keysPath, { name: 'Old importer', permissions: ['contacts:create'] }).then(({ key }) =>
    made(`${keysPath}/${key.id}:disable`, {}),
  )
  await made(keysPath, {
    name: 'Invoice intake',
    description: 'Reads the invoices that arrive by mail',
    permissions: ['document-extraction:create', 'document-extraction:read'],
    expiresAt: day(9),
  })
  await made(keysPath, {
    name: 'Partner portal',
    permissions: ['contacts:read', 'document-extraction:read'],
    allowedIps: ['203.0.113.0/24'],
  })
  const { key, secret } = await made(keysPath, {
    name: 'Production sync',
    description: 'The CRM, every five minutes',
    permissions: ['contacts:create', 'contacts:read', 'contacts:update', 'contacts:delete'],
    allowedIps: ['127.0.0.0/8'],
  })
  const ofAgent = `/v1/console/agents/${agent}`
  for (const field of [
    { key: 'plan', title: 'Tariff plan', type: 'SELECT', options: ['free', 'pro', 'enterprise'], default: 'free' },
    { key: 'seats', title: 'Seats', type: 'NUMBER', minimum: 1, maximum: 5000 },
    { key: 'vat', title: 'VAT number', type: 'TEXT', unique: true, maxLength: 20 },
    { key: 'renewal', title: 'Renewal', type: 'DATE' },
    { key: 'languages', title: 'Languages', type: 'MULTI_SELECT', options: ['de', 'en', 'nb', 'pt'] },
  ]) {
    await made(`${ofAgent}/contact-fields`, field)
  }
  const { webhook } = await made(`${ofAgent}/webhooks`, {
    url: `http://127.0.0.1:${receiver.address().port}/keyward`,
    events: ['contact.created', 'contact.updated', 'contact.deleted', 'api_key.expiring'],
    description: 'Mirrors contacts to the CRM',
  })
  const { webhook: old } = await made(`${ofAgent}/webhooks`, {
    url: 'https://old.fjordsupply.example/hooks/keyward',
    events: ['contact.created'],
  })
  await owner.calls(`${ofAgent}/webhooks/${old.id}`, { method: 'PATCH', body: { status: 'DISABLED' } })
  const path = `/v1/open/contacts/chatbots/${agent}`
  let contact
  for (const [place, [name, email, stage, ...tags]] of PEOPLE.entries()) {
    const body = { externalReferenceId: `crm-${1041 + place}`, name, email, stage, tags }
    if (place === 0) {
      body.mobileNumber = '+47 900 55 123'
      body.notes = 'Met at the fair.\nAsks for an offer until June.'
      body.customFields = { plan: 'pro', seats: 42, renewal: '2027-03-01', languages: ['nb', 'en'] }
    }
    const { body: answer } = await keyward.call(path, { key: key.apiKey, secret, method: 'POST', body })
    contact ??= answer.data.id
    for (let calls = 0; calls <= place % 4; calls++) await keyward.call(path, { key: key.apiKey, secret })
  }
  await keyward.call(`/v1/open/document-extraction/chatbots/${agent}`, { key: key.apiKey, secret })
  for (const [email, name, role] of [
    ['dana@fjordsupply.example', 'Dana Okafor', 'ADMIN'],
    ['luca@fjordsupply.example', null, 'USER'],
    ['priya@fjordsupply.example', 'Priya Raman', 'USER'],
  ]) {
    const { inviteUrl } = await made('/v1/console/members', { email, role })
    if (!name) continue
    const member = await Person.at(browser, keyward)
    await member.open(`/invite#${token('invite', inviteUrl)}`)
    await member.field('Your name').fill(name)
    await member.field('Password').fill(PASSWORD)
    await member.button('Join').click()
    await member.comesTo(/\/(settings|agents)\//)
    await member.context.close()
  }
  await made('/v1/console/tokens', { name: 'terraform', role: 'ADMIN', expiresAt: day(90) })
  await uploads(owner, `${ofAgent}/contacts/${contact}/files`, 'Offer 2026-114.txt', 'Forty-two seats.')
  const documents = `/v1/console/agents/${agent}/documents`
  const sent = []
  for (const [fileName, template, content] of [
    ['receipt-bakery.pdf', 'receipt', receipt()],
    ['HM-2026-11842.pdf', 'invoice', invoice()],
  ]) {
    const { id } = await made(documents, { document: { contentBase64: content.toString('base64') }, template, fileName })
    await owner.calls(`${documents}/${id}?wait=60`)
    sent.push(id)
  }
  return { key, contact, webhook: webhook.id, document: sent.at(-1) }
}

/** Sends a file as the page of a contact does. */
async function uploads(owner, path, name, text) {
  await owner.page.evaluate(
    async ([path, name, text]) => {
      const token = (await (await fetch('/v1/console/session')).json()).data.csrfToken
      const headers = { 'x-csrf-token': token, 'content-type': 'text/plain', 'content-disposition': `attachment; filename="${name}"` }
      await fetch(path, { method: 'POST', body: text, headers })
    },
    [path, name, text],
  )
}

async function take(person, name, theme) {
  await person.page.evaluate(() => document.fonts.ready)
  await person.page.waitForFunction(() => [...document.images].every(image => image.complete))
  await writeFile(join(folder, `${name}-${theme}.png`), await person.page.screenshot({ animations: 'disabled', caret: 'hide' }))
}
