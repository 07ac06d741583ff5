// The real binary, on free ports and with a data directory of its own.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

/** How long the binary may take to get ready or to end before a test gives up on it. */
const PATIENCE_MS = 60_000

/** The binary under test. */
function binary() {
  const path = process.env.KEYWARD_BINARY
  if (!path) throw new Error('KEYWARD_BINARY does not name the binary: run `make test`')
  return path
}

/** A `keyward serve` that runs. */
export class Keyward {
  /** Starts one with an empty data directory, and waits until it is ready. `toml` is for settings that are lists. */
  static async start(settings = {}, toml = '') {
    const directory = await mkdtemp(join(tmpdir(), 'keyward-browser-'))
    const keyward = new Keyward(directory, settings)
    await writeFile(keyward.config, toml)
    // Before it serves, which locks the data.
    keyward.setupToken = token('setup', await keyward.command('setup-link'))
    await keyward.run()
    return keyward
  }

  constructor(directory, settings) {
    this.directory = directory
    this.config = join(directory, 'keyward.toml')
    // Nothing of the test's own environment reaches the process.
    this.settings = {
      KEYWARD_DATA_DIR: join(directory, 'data'),
      KEYWARD_EDGE__LISTEN: '127.0.0.1:0',
      KEYWARD_DASHBOARD__LISTEN: '127.0.0.1:0',
      KEYWARD_ADMIN__LISTEN: '127.0.0.1:0',
      ...settings,
    }
    this.log = []
  }

  async run() {
    this.child = spawn(binary(), ['serve', '--config', this.config], { env: this.settings, stdio: ['ignore', 'pipe', 'pipe'] })
    this.ended = once(this.child, 'exit')
    this.child.stdout.resume()
    const lines = createInterface({ input: this.child.stderr })
    const ready = new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`it does not get ready:\n${this.log.join('\n')}`)), PATIENCE_MS)
      this.child.once('exit', code => reject(new Error(`it ended with ${code}:\n${this.log.join('\n')}`)))
      lines.on('line', line => {
        this.log.push(line)
        const entry = parsed(line)
        if (entry?.message?.startsWith('ready:')) {
          clearTimeout(late)
          resolve(entry)
        }
      })
    })
    const { edge, dashboard } = await ready
    this.api = `http://${edge}`
    this.dashboard = `http://${dashboard}`
  }

  /** Runs another command of the binary with the same settings; gives what it prints. */
  async command(...arguments_) {
    const child = spawn(binary(), [...arguments_, '--config', this.config], { env: this.settings, stdio: ['ignore', 'pipe', 'pipe'] })
    let out = ''
    let err = ''
    child.stdout.on('data', data => (out += data))
    child.stderr.on('data', data => (err += data))
    const [code] = await once(child, 'exit')
    if (code !== 0) throw new Error(`keyward ${arguments_[0]} ended with ${code}:\n${err}`)
    return out
  }

  /** A call of the data API, as an integration makes it. */
  async call(path, { key, secret, method = 'GET', body, headers = {} } = {}) {
    const answer = await fetch(this.api + path, {
      method,
      body: body && JSON.stringify(body),
      headers: {
        ...(key && { 'x-api-key': key, 'x-api-secret': secret }),
        ...(body && { 'content-type': 'application/json' }),
        ...headers,
      },
    })
    return { status: answer.status, headers: answer.headers, body: await answer.json() }
  }

  /** Ends it and removes its data. */
  async stop() {
    if (this.child.exitCode === null) {
      this.child.kill('SIGTERM')
      const late = setTimeout(() => this.child.kill('SIGKILL'), PATIENCE_MS)
      await this.ended
      clearTimeout(late)
    }
    await rm(this.directory, { recursive: true, force: true })
  }
}

/** The token of a link to that page, as it stands in a text. */
export function token(page, text) {
  const found = new RegExp(`/${page}#([\\w.~-]+)`).exec(text)
  if (!found) throw new Error(`no link to /${page} in ${text}`)
  return found[1]
}

function parsed(line) {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}
