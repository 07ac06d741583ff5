// People at Debian's Chromium. Whatever they do, nothing may appear in the console's errors, no script may fail, and
// the page's policy may refuse nothing.

import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { AxeBuilder } from '@axe-core/playwright'
import { chromium } from 'playwright-core'

const CHROMIUM = '/usr/bin/chromium'
/** How long a step may take before a test gives up on it. */
export const PATIENCE_MS = 30_000
export const DESKTOP = { width: 1440, height: 900 }
export const PHONE = { width: 390, height: 844 }

/** A browser with an empty profile, and with these settings of how it shows pages. */
export async function launch(blink = '') {
  assert.ok(existsSync(CHROMIUM), `${CHROMIUM} is missing: run \`make test\``)
  // In containers and as root Chromium cannot make its own sandbox. It only ever visits what the tests serve.
  const args = ['--no-sandbox', '--disable-dev-shm-usage', ...(blink ? [`--blink-settings=${blink}`] : [])]
  return chromium.launch({ executablePath: CHROMIUM, args })
}

/** Somebody with a browser window of their own: own cookies, own storage. */
export class Person {
  static async at(browser, keyward, { viewport = DESKTOP, theme = 'light', ...more } = {}) {
    const context = await browser.newContext({
      viewport,
      screen: viewport,
      colorScheme: theme,
      reducedMotion: 'reduce',
      permissions: ['clipboard-read', 'clipboard-write'],
      ...more,
    })
    context.setDefaultTimeout(PATIENCE_MS)
    const person = new Person(context, keyward)
    await context.exposeBinding('refusedByPolicy', (_, what) => person.faults.push(`refused by the policy: ${what}`))
    await context.addInitScript(() => {
      addEventListener('securitypolicyviolation', event => {
        globalThis.refusedByPolicy(`${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`)
      })
    })
    context.on('page', page => person.#watch(page))
    person.page = await context.newPage()
    return person
  }

  constructor(context, keyward) {
    this.context = context
    this.keyward = keyward
    this.faults = []
    this.expected = []
  }

  #watch(page) {
    page.on('pageerror', error => this.faults.push(`a script failed: ${error.stack ?? error}`))
    page.on('console', message => {
      if (message.type() !== 'error' && message.type() !== 'warning') return
      const status = /Failed to load resource: the server responded with a status of (\d+)/.exec(message.text())?.[1]
      const path = message.location().url.replace(this.keyward.dashboard, '')
      // The browser says so of every answer that is no success. A page that asks who is signed in may hear: nobody.
      if (status && (this.expected.includes(+status) || path === '/v1/console/session')) return
      // A machine that does much else at the same time may have to shed; the page asks again.
      if (status === '503') return
      this.faults.push(`in the console: ${message.text()} (${path})`)
    })
    // Whatever the page would like to be answered is a script's work that got through.
    page.on('dialog', dialog => {
      if (dialog.type() !== 'beforeunload') this.faults.push(`a script asks: ${dialog.message()}`)
      return dialog.accept()
    })
  }

  /** These answers are part of the test. */
  expect(...statuses) {
    this.expected.push(...statuses)
  }

  /** Opens a path of the dashboard. */
  async open(path) {
    await this.page.goto(this.keyward.dashboard + path)
  }

  get path() {
    return this.page.url().replace(this.keyward.dashboard, '')
  }

  /** Waits for a path, or for one that matches. */
  async comesTo(path) {
    const fits = path instanceof RegExp ? url => path.test(url.pathname) : url => url.pathname + url.search === path
    await this.page.waitForURL(fits)
  }

  button(name, within = this.page) {
    return within.getByRole('button', { name, exact: true })
  }

  field(label, within = this.page) {
    return within.getByLabel(label, { exact: typeof label === 'string' })
  }

  get dialog() {
    return this.page.getByRole('dialog').or(this.page.getByRole('alertdialog'))
  }

  /** Waits until this can be read somewhere. */
  async sees(text, within = this.page) {
    await within.getByText(text).first().waitFor()
  }

  async doesNotSee(text, within = this.page) {
    assert.equal(await within.getByText(text).count(), 0, `${text} can be read`)
  }

  /** Opens the menu of a row and chooses. */
  async chooses(menu, item) {
    await this.button(menu).click()
    await this.page.getByRole('menuitem', { name: item, exact: true }).click()
  }

  async signsIn(email, password, next) {
    await this.open(`/sign-in${next ? `?next=${encodeURIComponent(next)}` : ''}`)
    await this.field('Email').fill(email)
    await this.field('Password').fill(password)
    await this.button('Sign in').click()
  }

  /** Uses a setup link to make an organization. */
  async setsUp({ organization = 'Fjord Supply Co.', name = 'Ada Lindqvist', email = OWNER.email, agent = 'Support' } = {}) {
    await this.open(`/setup#${this.keyward.setupToken}`)
    await this.field('Organization').fill(organization)
    await this.field('Your name').fill(name)
    await this.field('Email').fill(email)
    await this.field('Password').fill(OWNER.password)
    await this.field('First agent').fill(agent)
    await this.button('Create organization').click()
    await this.page.waitForURL(/\/agents\/[0-9a-f]{24}\/api-permissions$/)
    return /agents\/([0-9a-f]{24})/.exec(this.page.url())[1]
  }

  /** A call of the management API from within the page, as its scripts could make it. */
  async calls(path, { method = 'GET', body, csrf = true } = {}) {
    return this.page.evaluate(
      async ([path, method, body, csrf]) => {
        const token = csrf && (await (await fetch('/v1/console/session')).json()).data?.csrfToken
        const answer = await fetch(path, {
          method,
          body: body && JSON.stringify(body),
          headers: {
            ...(body && { 'content-type': 'application/json' }),
            ...(token && method !== 'GET' && { 'x-csrf-token': token }),
          },
        })
        return { status: answer.status, body: await answer.json() }
      },
      [path, method, body, csrf],
    )
  }

  /** axe finds nothing, neither serious nor slight. */
  async meetsNoBarrier(what) {
    const found = await new AxeBuilder({ page: this.page }).analyze()
    const said = found.violations.map(v => `${v.impact} ${v.id}: ${v.help}\n${v.nodes.map(n => `  ${n.target}: ${n.html}`).join('\n')}`)
    assert.deepEqual(said, [], `axe on ${what}`)
  }

  /** Nothing is wider than the window. */
  async overflowsNothing(what) {
    const over = await this.page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
    assert.ok(over <= 0, `${what} is ${over} px wider than its window`)
  }

  /** The end: nothing may have gone wrong on the way. */
  async leaves() {
    await this.context.close()
    assert.deepEqual(this.faults, [])
  }
}

export const OWNER = { email: 'ada@fjordsupply.example', password: 'correct horse battery' }
