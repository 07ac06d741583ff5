// Every page behind the door, and what has to be there for all of them to have something to show.

import assert from 'node:assert/strict'

/** The first characters of a text, as its limits count them. */
const cut = (text, most) => [...text].slice(0, most).join('')

/** Makes agents, keys, contacts, fields, webhooks, templates, a document and members with these texts in everything that stores text. */
export async function fill(owner, agent, texts) {
  const made = async (path, body) => {
    const answer = await owner.calls(path, { method: 'POST', body })
    assert.equal(answer.status, 201, JSON.stringify(answer.body))
    return answer.body.data
  }
  const keys = []
  const contacts = []
  for (const [number, text] of texts.entries()) {
    const line = cut(text, 100)
    await made('/v1/console/agents', { name: line, mode: number % 2 ? 'TEST' : 'LIVE' })
    const key = await made(`/v1/console/agents/${agent}/api-keys`, {
      name: line,
      description: text,
      permissions: number % 2 ? ['contacts:read', 'document-extraction:create'] : ['contacts:read', 'contacts:create'],
      ...(number === 0 && { allowedIps: ['127.0.0.1'] }),
    })
    keys.push({ ...key.key, secret: key.secret })
    const contact = await made(`/v1/console/agents/${agent}/contacts`, {
      externalReferenceId: line.replaceAll('\n', ' '),
      name: cut(text, 200),
      email: `person${number}@example.com`,
      gender: cut(text, 50),
      source: line,
      tags: [cut(text, 50)],
      notes: `${text}\nand a second line`,
      stage: ['LEAD', 'PROSPECT', 'CUSTOMER', 'OLD_CUSTOMER'][number % 4],
      customFields: { text },
    })
    contacts.push(contact)
    await made('/v1/console/members', { email: `member${number}@example.com`, name: line, role: 'USER' })
    await made('/v1/console/tokens', { name: line, role: 'USER' })
  }
  // After the contacts, whose values nobody has declared.
  const fields = `/v1/console/agents/${agent}/contact-fields`
  await made(fields, { key: 'choice', title: cut(texts[0], 100), type: 'MULTI_SELECT', options: texts.map(text => cut(text, 100)) })
  for (const [number, text] of texts.entries()) {
    await made(fields, { key: `f${number}`, title: cut(text, 100), type: 'LONG_TEXT', default: text })
  }
  const webhooks = []
  for (const text of texts) {
    const body = { url: `https://example.com/${encodeURIComponent(text)}`, events: ['contact.created'], description: text }
    webhooks.push((await made(`/v1/console/agents/${agent}/webhooks`, body)).webhook)
  }
  for (const [number, text] of texts.entries()) {
    await made('/v1/console/extraction-templates', {
      name: `template-${number}`,
      title: cut(text, 100).replaceAll('\n', ' '),
      description: cut(text, 500),
      schema: { type: 'object', properties: { found: { type: 'string', title: text } } },
    })
  }
  const documents = `/v1/console/agents/${agent}/documents`
  const document = {
    contentBase64: Buffer.from(`${texts.join('\n')}\nTotal: 8.40\n`).toString('base64'),
  }
  const properties = Object.fromEntries(texts.map((title, at) => [`f${at}`, { type: 'string', title }]))
  const schema = { type: 'object', properties: { ...properties, total: { type: 'number', title: 'Total' } } }
  const sent = await owner.calls(documents, { method: 'POST', body: { document, schema, fileName: cut(texts[0], 200) } })
  assert.equal(sent.status, 202, JSON.stringify(sent.body))
  const read = await owner.calls(`${documents}/${sent.body.data.id}?wait=60`)
  assert.equal(read.body.data.status, 'SUCCEEDED', JSON.stringify(read.body))
  return { keys, contacts, webhooks, document: sent.body.data }
}

/** The pages of an installation, by a name for each. */
export const pagesOf = (agent, { keys, contacts, webhooks, document }) => ({
  agents: '/agents',
  members: '/members',
  audit: '/audit',
  templates: '/document-templates',
  template: '/document-templates/template-0',
  settings: '/settings',
  contacts: `/agents/${agent}/contacts`,
  contact: `/agents/${agent}/contacts/${contacts[0].id}`,
  fields: `/agents/${agent}/contact-fields`,
  imports: `/agents/${agent}/contact-imports`,
  webhooks: `/agents/${agent}/webhooks`,
  documents: `/agents/${agent}/documents`,
  document: `/agents/${agent}/documents/${document.id}`,
  webhook: `/agents/${agent}/webhooks/${webhooks[0].id}`,
  'keys-all': '/settings/api-permissions',
  keys: `/agents/${agent}/api-permissions`,
  key: `/agents/${agent}/api-permissions/${keys[0].id}`,
  'key-requests': `/agents/${agent}/api-permissions/${keys[0].id}?tab=requests`,
  'key-audit': `/agents/${agent}/api-permissions/${keys[0].id}?tab=audit`,
})

/** Opens a page and waits until nothing of it is being loaded. */
export async function visits(person, path) {
  await person.open(path)
  await person.page.getByRole('heading', { level: 1 }).waitFor()
  await person.page.waitForFunction(() => !document.querySelector('[aria-busy=true]'))
}
