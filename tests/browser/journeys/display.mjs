// The dashboard at 200 % zoom, with text of twice the size, and in the colours that somebody has forced on all pages.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DESKTOP, launch, OWNER, Person } from '../browser.mjs'
import { installation, signsIn } from '../journey.mjs'
import { fill, pagesOf, visits } from '../pages.mjs'

const at = installation(async () => {
  const owner = await at.owner()
  made = await fill(owner, at.agent, ['Production sync', 'Invoice intake', 'Partner portal'])
  const { apiKey: key, secret } = made.keys[0]
  await at.keyward.call(`/v1/open/contacts/chatbots/${at.agent}`, { key, secret })
  await owner.leaves()
})
let made

/** Somebody at a desktop whose browser shows everything twice as large: the page has half of the pixels. */
async function zoomed() {
  const viewport = { width: DESKTOP.width / 2, height: DESKTOP.height / 2 }
  const owner = await at.person({ viewport, screen: DESKTOP, deviceScaleFactor: 2 })
  // Of a browser's window this is what zoom leaves as it is.
  await owner.context.addInitScript(width => Object.defineProperty(globalThis, 'outerWidth', { value: width }), DESKTOP.width)
  await signsIn(owner, OWNER.email, OWNER.password)
  return owner
}

test('at 200 % zoom a desktop keeps its keys, and nothing is out of reach', async () => {
  const owner = await zoomed()
  for (const [name, path] of Object.entries(pagesOf(at.agent, made))) {
    await visits(owner, path)
    assert.equal(await owner.page.getByRole('heading', { name: 'Desktop Only' }).count(), 0, name)
    await owner.overflowsNothing(`${name} at 200 %`)
    if (['keys', 'key'].includes(name)) await owner.meetsNoBarrier(`${name} at 200 %`)
  }
  await visits(owner, `/agents/${at.agent}/api-permissions`)
  await owner.button('Add API Key').first().click()
  await owner.field('Name').fill('From a magnified screen')
  await owner.button('Next').click()
  const card = owner.page.getByRole('group', { name: 'Contact Access' })
  await card.getByRole('checkbox', { name: /^Read/ }).click({ force: true })
  for (const name of ['Back', 'Give Access']) {
    const box = await owner.button(name).boundingBox()
    const { width, height } = owner.page.viewportSize()
    assert.ok(box.x >= 0 && box.y >= 0 && box.x + box.width <= width && box.y + box.height <= height, name)
  }
  await owner.overflowsNothing('the dialog at 200 %')
  await owner.button('Give Access').click()
  await owner.sees('API key created successfully.')
  await owner.leaves()
})

test('text of twice the size still fits, and lies over nothing', async () => {
  // As a reader sets it in the browser, for all pages.
  const browser = await launch('defaultFontSize=32')
  const owner = await Person.at(browser, at.keyward)
  await signsIn(owner, OWNER.email, OWNER.password)
  assert.equal(await owner.page.evaluate(() => getComputedStyle(document.documentElement).fontSize), '32px')
  for (const [name, path] of Object.entries(pagesOf(at.agent, made))) {
    await visits(owner, path)
    assert.equal(await owner.page.getByRole('heading', { name: 'Desktop Only' }).count(), 0, name)
    await owner.overflowsNothing(`${name} with large text`)
    await headsStandApart(owner, name)
  }
  await owner.leaves()
  await browser.close()
})

test('in forced colours every control has an edge, and the focus can be seen', async () => {
  const owner = await at.person({ forcedColors: 'active' })
  await signsIn(owner, OWNER.email, OWNER.password)
  for (const [name, path] of Object.entries(pagesOf(at.agent, made))) {
    await visits(owner, path)
    await hasEdges(owner, name)
    await showsFocus(owner, name)
  }
  await visits(owner, `/agents/${at.agent}/api-permissions`)
  await owner.button('Add API Key').first().click()
  await owner.dialog.waitFor()
  await hasEdges(owner, 'the dialog')
  await owner.field('Name').fill('In forced colours')
  await owner.button('Next').click()
  const box = owner.page.getByRole('group', { name: 'Contact Access' }).getByRole('checkbox', { name: /^Read/ })
  await box.click({ force: true })
  // What is chosen differs by more than a colour that is not the page's to choose.
  const marks = () => owner.dialog.locator('.check .box svg').count()
  assert.equal(await marks(), 1)
  await hasEdges(owner, 'the second step')
  await owner.leaves()
})

/** The heads of a table's columns are each in a place of their own, and wide enough to be read. */
async function headsStandApart(person, what) {
  const close = await person.page.evaluate(() => {
    const heads = [...document.querySelectorAll('.tbl th')].filter(head => head.innerText.trim() && head.checkVisibility())
    return heads.filter(head => head.clientWidth < 2 * parseFloat(getComputedStyle(head).fontSize)).map(head => head.innerText)
  })
  assert.deepEqual(close, [], `too narrow on ${what}`)
}

/** Colours and shadows are the reader's: an edge is a border or a line below, or the control is text alone. */
async function hasEdges(person, what) {
  const without = await person.page.evaluate(() =>
    [...document.querySelectorAll('.btn.primary, .btn.secondary, .btn.danger, .input, .select, .check .box, .switch .track')]
      .filter(control => control.checkVisibility() && !(parseFloat(getComputedStyle(control).borderTopWidth) > 0))
      .map(control => control.outerHTML.slice(0, 120)),
  )
  assert.deepEqual(without, [], `without an edge on ${what}`)
}

/** Where Tab leads, an outline shows: shadows do not, in forced colours. */
async function showsFocus(person, what) {
  await person.page.evaluate(() => document.activeElement?.blur?.())
  const unseen = new Set()
  for (let presses = 0; presses < 25; presses++) {
    await person.page.keyboard.press('Tab')
    const html = await person.page.evaluate(() => {
      const focused = document.activeElement
      if (!focused || focused === document.body) return null
      // Of what is drawn in place of a hidden input, the label is focused.
      const drawn = [focused, focused.closest('label'), ...(focused.closest('label')?.querySelectorAll('*') ?? [])]
      const isSeen = drawn.some(element => {
        if (!element) return false
        const { outlineStyle, outlineWidth } = getComputedStyle(element)
        return outlineStyle !== 'none' && parseFloat(outlineWidth) > 0
      })
      return isSeen ? null : focused.outerHTML.slice(0, 160)
    })
    if (html) unseen.add(html)
  }
  assert.deepEqual([...unseen], [], `focused and not to be seen on ${what}`)
}
