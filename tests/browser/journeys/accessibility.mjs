// axe finds nothing, on every page and in the dialogs, light and dark.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OWNER, PHONE } from '../browser.mjs'
import { installation, signsIn } from '../journey.mjs'
import { fill, pagesOf, visits } from '../pages.mjs'

const at = installation(async () => {
  const owner = await at.owner()
  made = await fill(owner, at.agent, ['Production sync', 'Invoice intake', 'Partner portal'])
  const { apiKey: key, secret } = made.keys[0]
  await at.keyward.call(`/v1/open/contacts/chatbots/${at.agent}`, { key, secret })
  await at.keyward.call(`/v1/open/contacts/chatbots/${at.agent}`, { key, secret: `${secret.slice(0, -1)}x` })
  await owner.leaves()
})
let made

for (const theme of ['light', 'dark']) {
  test(`before the door, ${theme}`, async () => {
    const person = await at.person({ theme })
    for (const path of ['/sign-in', '/setup#kwsetup_0', '/setup', '/invite#kwinvite_0', '/invite', '/reset#kwreset_0', '/forgot']) {
      await person.page.goto('about:blank')
      await person.open(path)
      await person.page.getByRole('heading', { level: 1 }).waitFor()
      await person.meetsNoBarrier(`${path}, ${theme}`)
    }
    await person.leaves()
  })

  test(`every page, ${theme}`, async () => {
    const owner = await at.person({ theme })
    await signsIn(owner, OWNER.email, OWNER.password)
    for (const [name, path] of Object.entries(pagesOf(at.agent, made))) {
      await visits(owner, path)
      await owner.meetsNoBarrier(`${name}, ${theme}`)
    }
    await owner.leaves()
  })

  test(`dialogs and menus, ${theme}`, async () => {
    const owner = await at.person({ theme })
    await signsIn(owner, OWNER.email, OWNER.password)
    for (const [path, button] of [
      ['/agents', 'Create an agent'],
      ['/members', 'Invite a member'],
      ['/settings', 'Create a token'],
      ['/document-templates', 'Add a template'],
      [`/agents/${at.agent}/contacts`, 'Add a contact'],
      [`/agents/${at.agent}/contact-fields`, 'Add a field'],
      [`/agents/${at.agent}/webhooks`, 'Add a webhook'],
      [`/agents/${at.agent}/api-permissions`, 'Add API Key'],
    ]) {
      await visits(owner, path)
      await owner.button(button).click()
      await owner.dialog.waitFor()
      await owner.meetsNoBarrier(`${button}, ${theme}`)
      await owner.page.keyboard.press('Escape')
      await owner.dialog.waitFor({ state: 'detached' })
    }
    await visits(owner, '/agents')
    await owner.button('Actions for Production sync').click()
    await owner.page.getByRole('menu').waitFor()
    await owner.meetsNoBarrier(`a menu, ${theme}`)
    await owner.leaves()
  })
}

test('the focus is where the keyboard needs it', async () => {
  const owner = await at.person()
  await signsIn(owner, OWNER.email, OWNER.password)
  const focused = () => owner.page.evaluate(() => document.activeElement?.textContent || document.activeElement?.id)
  await visits(owner, '/agents')
  await owner.page.keyboard.press('Tab')
  assert.equal(await focused(), 'Skip to the content')
  await owner.page.keyboard.press('Enter')
  await owner.page.waitForFunction(() => document.activeElement?.id === 'main')

  // Into a dialog, round and round in it, and back to what opened it.
  const opener = owner.button('Create an agent')
  await opener.focus()
  await owner.page.keyboard.press('Enter')
  await owner.dialog.waitFor()
  for (let presses = 0; presses < 12; presses++) {
    await owner.page.keyboard.press('Tab')
    assert.ok(await owner.page.evaluate(() => !!document.activeElement.closest('[role=dialog]')))
  }
  await owner.page.keyboard.press('Escape')
  await owner.page.waitForFunction(() => document.activeElement?.textContent === 'Create an agent')

  // The row of what is deleted is gone, and with it what opened the dialog.
  for (const name of ['First to go', 'Last to go']) {
    await owner.calls('/v1/console/tokens', { method: 'POST', body: { name, role: 'USER' } })
  }
  await visits(owner, '/settings')
  for (const name of ['First to go', 'Last to go']) {
    await owner.button(`Delete the token ${name}`).focus()
    await owner.page.keyboard.press('Enter')
    await owner.button('Delete token').click()
    await owner.button(`Delete the token ${name}`).waitFor({ state: 'detached' })
    await owner.page.waitForFunction(() => document.activeElement?.id === 'main')
  }

  // A new page begins at its main part.
  await owner.page.getByRole('link', { name: 'Members', exact: true }).click()
  await owner.page.waitForFunction(() => document.activeElement?.id === 'main')
  assert.match(await owner.page.title(), /^Members · Keyward$/)
  await owner.leaves()
})

test('at a phone the pages beside the keys work', async () => {
  const owner = await at.person({ viewport: PHONE })
  await signsIn(owner, OWNER.email, OWNER.password)
  for (const [name, path] of Object.entries(pagesOf(at.agent, made))) {
    await visits(owner, path)
    const isOfKeys = name.startsWith('key')
    assert.equal(await owner.page.getByRole('heading', { name: 'Desktop Only' }).count(), isOfKeys ? 1 : 0, name)
    await owner.overflowsNothing(`${name} on a phone`)
    if (['keys', 'members', 'audit'].includes(name)) await owner.meetsNoBarrier(`${name} on a phone`)
  }
  await owner.button('Open the menu').click()
  await owner.dialog.waitFor()
  await owner.meetsNoBarrier('the menu on a phone')
  await owner.leaves()
})

test('keys begin at 1024 px', async () => {
  for (const [width, hasKeys] of [
    [1023, false],
    [1024, true],
  ]) {
    const owner = await at.person({ viewport: { width, height: 800 } })
    await signsIn(owner, OWNER.email, OWNER.password)
    await owner.open(`/agents/${at.agent}/api-permissions`)
    const heading = hasKeys ? 'API Permission' : 'Desktop Only'
    await owner.page.getByRole('heading', { level: 1, name: heading, exact: true }).waitFor()
    if (!hasKeys) {
      await owner.sees(
        'API Permissions is available on desktop only. Open it on a larger screen to create or manage keys.',
      )
    }
    await owner.leaves()
  }
})
