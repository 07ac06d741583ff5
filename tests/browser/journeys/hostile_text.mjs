// Whatever text is stored, it is shown as text, and no page is wider than its window for it.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OWNER } from '../browser.mjs'
import { installation, signsIn } from '../journey.mjs'
import { fill, pagesOf, visits } from '../pages.mjs'

const at = installation(async () => {
  const setUp = await at.owner()
  made = await fill(setUp, at.agent, TEXTS)
  // The log has a User-Agent and a request id that somebody made up.
  const { apiKey: key, secret } = made.keys[0]
  await at.keyward.call(`/v1/open/contacts/chatbots/${at.agent}`, {
    key,
    secret,
    headers: { 'user-agent': TEXTS[0], 'x-request-id': 'made-up' },
  })
  await setUp.leaves()
  owner = await at.person({ userAgent: TEXTS[1] })
  await signsIn(owner, OWNER.email, OWNER.password)
})

const TEXTS = [
  '<img src=x onerror="globalThis.pwned=1">',
  '"><script>globalThis.pwned=2</script>',
  "javascript:globalThis.pwned=3//'\"`${globalThis.pwned=4}{{globalThis.pwned=5}}",
  '\u202eright to left\u202c \u2066isolated\u2069 \u200bzero width',
  'W'.repeat(100),
  '\u{1f469}\u200d\u{1f469}\u200d\u{1f467}'.repeat(20),
  '[link](javascript:alert(1)) **bold** https://evil.example/?q=<svg/onload=alert(2)>',
]

let owner
let made

test('it is inert on every page, and nothing overflows', async () => {
  for (const [name, path] of Object.entries(pagesOf(at.agent, made))) {
    await visits(owner, path)
    const intruders = await owner.page.evaluate(() => ({
      pwned: globalThis.pwned,
      images: document.querySelectorAll('main img, main script, main iframe, main svg[onload]').length,
      links: [...document.querySelectorAll('a')].filter(a => !/^https?:/.test(a.href) || /evil/.test(a.href)).length,
    }))
    assert.deepEqual(intruders, { pwned: undefined, images: 0, links: 0 }, name)
    for (const width of [1024, 1280, 1440]) {
      await owner.page.setViewportSize({ width, height: 900 })
      await owner.overflowsNothing(`${name} at ${width}`)
    }
  }
})

test('it is inert in dialogs and menus', async () => {
  await visits(owner, '/agents')
  const menus = owner.page.getByRole('button', { name: /^Actions for / })
  for (const item of ['Rename', 'Delete']) {
    for (let at = 0; at < TEXTS.length; at++) {
      await menus.nth(at).click()
      await owner.page.getByRole('menuitem', { name: item }).click()
      await owner.dialog.waitFor()
      await owner.button('Cancel').click()
      await owner.dialog.waitFor({ state: 'detached' })
    }
  }
  assert.equal(await owner.page.evaluate(() => globalThis.pwned), undefined)
})

test('marks that turn the writing around show as what they are', async () => {
  await visits(owner, '/agents')
  const turned = await owner.page.evaluate(() => document.body.innerText.match(/[\u202a-\u202e\u2066-\u2069\u200b]/u))
  assert.equal(turned, null)
})

test('nothing of it ran', () => owner.leaves())
