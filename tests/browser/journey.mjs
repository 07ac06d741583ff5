// What every journey begins with: an installation of its own, and a browser.

import { after, before } from 'node:test'
import { launch, OWNER, Person } from './browser.mjs'
import { Keyward, token } from './keyward.mjs'

/**
 * Starts before the first test of a file, then does what the file begins with, and ends after its last test. `beside`
 * starts what Keyward is a client of, and gives the settings for it.
 */
export function installation(begin = async () => {}, beside = async () => ({})) {
  const at = {
    /** Somebody with a browser window of their own. */
    person: options => Person.at(at.browser, at.keyward, options),
    /** The owner of the installation, signed in. */
    owner: async options => {
      const owner = await at.person(options)
      if (!at.agent) at.agent = await owner.setsUp()
      else await signsIn(owner, OWNER.email, OWNER.password)
      return owner
    },
    /** A member of that role, signed in, with an account of their own. */
    member: async (owner, { email, name, role = 'USER', ...options }) => {
      const { body } = await owner.calls('/v1/console/members', { method: 'POST', body: { email, role } })
      const member = await at.person(options)
      await member.open(`/invite#${token('invite', body.data.inviteUrl)}`)
      await member.field('Your name').fill(name)
      await member.field('Password').fill(PASSWORD)
      await member.button('Join').click()
      await member.comesTo(/\/(settings|agents)\//)
      return { member, id: body.data.id }
    },
  }
  before(async () => {
    const { settings, toml, companion } = await beside()
    at.companion = companion
    at.keyward = await Keyward.start(settings, toml)
    at.browser = await launch()
    await begin()
  })
  after(async () => {
    await at.browser?.close()
    await at.keyward?.stop()
    at.companion?.stop()
  })
  return at
}

/** Of every member but the owner. */
export const PASSWORD = 'many small green apples'

/** Signs in and waits for a page behind the door. */
export async function signsIn(person, email, password) {
  await person.signsIn(email, password)
  await person.comesTo(/\/(settings|agents)\//)
}
