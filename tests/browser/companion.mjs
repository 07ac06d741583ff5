// Servers that Keyward is a client of: programs of tests/node, which run beside a journey.

import { spawn } from 'node:child_process'
import { on } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** A program that runs until it is stopped. What it says are lines of JSON; the first is where it listens. */
export class Companion {
  static async start(program, given) {
    const path = fileURLToPath(new URL(`../node/${program}`, import.meta.url))
    const child = spawn(process.execPath, [path], { stdio: ['pipe', 'pipe', 'inherit'] })
    child.stdin.end(JSON.stringify(given))
    const companion = new Companion(child)
    companion.ready = await companion.says()
    return companion
  }

  constructor(child) {
    this.child = child
    this.lines = on(createInterface({ input: child.stdout }), 'line', { close: ['close'] })
  }

  /** The next thing that it says. */
  async says() {
    const { done, value } = await this.lines.next()
    if (done) throw new Error('a companion has ended: does tests/node have its packages? Run `make test`')
    return JSON.parse(value[0])
  }

  stop() {
    this.child.kill()
  }
}
