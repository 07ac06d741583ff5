// npm run check: types, lints, formatting, and that looks come from the tokens.
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const run = (command, ...args) => {
  const { status } = spawnSync(join('node_modules', '.bin', command), args, { stdio: 'inherit' })
  if (status !== 0) process.exit(1)
}
run('tsc')
run('oxlint', '--deny-warnings')
run('prettier', '--check', '--log-level=warn', '.')

// A raw colour or duration outside the tokens is a defect of the house style.
const RAW = /#[0-9a-f]{3,8}\b|\b(?:rgb|rgba|hsl|oklch)\(/gi
const NOT_A_COLOUR = /^#(?:main)$/
const sources = dir =>
  readdirSync(dir, { recursive: true })
    .map(file => join(dir, file))
    .filter(file => /\.(css|tsx?)$/.test(file) && !file.endsWith('tokens.css') && !file.endsWith('.d.ts'))
let found = 0
for (const file of sources('src')) {
  readFileSync(file, 'utf8')
    .split('\n')
    .forEach((line, at) => {
      const text = line.replace(/\/\*.*?\*\/|\/\/.*$/g, '')
      for (const [colour] of text.matchAll(RAW)) {
        if (NOT_A_COLOUR.test(colour) || /^#\d+$/.test(colour)) continue
        console.error(`${file}:${at + 1}: ${colour}: use a token of src/design/tokens.css`)
        found++
      }
    })
}
if (found) process.exit(1)
