// The house style: its page has every component in every state, and is served in development only.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { launch, Person } from '../browser.mjs'

const DASHBOARD = new URL('../../../edge/dashboard/', import.meta.url)

let vite
let browser
/** What takes the place of the binary: the page asks for nothing of the API. */
let site
before(async () => {
  const { createServer } = await import(new URL('node_modules/vite/dist/node/index.js', DASHBOARD))
  const root = fileURLToPath(DASHBOARD)
  vite = await createServer({ root, server: { host: '127.0.0.1', port: 0, hmr: false }, logLevel: 'error' })
  await vite.listen()
  site = { dashboard: `http://127.0.0.1:${vite.httpServer.address().port}` }
  browser = await launch()
})
after(async () => {
  await browser?.close()
  await vite?.close()
})

async function opens(options) {
  const person = await Person.at(browser, site, options)
  // Vite puts what it makes of a package in place when it is first asked for, and loads the page again.
  await person.open('/design')
  await person.page.getByRole('heading', { level: 1, name: 'House style' }).waitFor()
  return person
}

/** In development React Aria warns of text that has a hint and is no control, which is meant. */
async function leaves(person) {
  person.faults = person.faults.filter(fault => !fault.includes('<Focusable> child must have an interactive ARIA role'))
  await person.leaves()
}

for (const theme of ['light', 'dark']) {
  test(`nothing in it is a barrier, ${theme}`, async () => {
    const person = await opens({ theme })
    await person.meetsNoBarrier(`the house style, ${theme}`)
    await person.overflowsNothing('the house style')
    for (const name of ['A dialog', 'A question']) {
      await person.button(name).click()
      await person.dialog.waitFor()
      await person.meetsNoBarrier(`${name}, ${theme}`)
      await person.page.keyboard.press('Escape')
      await person.dialog.waitFor({ state: 'detached' })
    }
    await person.button('A toast').click()
    await person.sees('API key updated successfully.')
    await leaves(person)
  })
}

test('the theme is chosen on the page', async () => {
  const person = await opens()
  const background = () => person.page.evaluate(() => getComputedStyle(document.body).backgroundColor)
  const light = await background()
  await person.page.getByRole('radio', { name: 'Dark' }).click()
  assert.notEqual(await background(), light)
  await leaves(person)
})
