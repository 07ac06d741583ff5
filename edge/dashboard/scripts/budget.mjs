// npm test: what the page of keys loads stays small. It reads what the last build has made.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'

/** The most JavaScript, compressed by gzip, that the page of keys may load, in bytes. */
const BUDGET = 230_000

const manifest = JSON.parse(readFileSync('manifest.json', 'utf8'))
const files = new Set()
const load = name => {
  const chunk = manifest[name]
  if (files.has(chunk.file)) return
  files.add(chunk.file)
  for (const imported of chunk.imports ?? []) load(imported)
}
load('index.html')
load('src/pages/keys/index.tsx')
const size = [...files].reduce((sum, file) => sum + gzipSync(readFileSync(join('dist', file)), { level: 9 }).length, 0)
console.log(`The page of keys loads ${Math.round(size / 1000)} kB of JavaScript (gzip), of ${BUDGET / 1000} at most.`)
if (size > BUDGET) process.exit(1)

// The policy of the page allows none of these.
const built = readdirSync('dist', { recursive: true }).filter(file => /\.(html|css|js)$/.test(file))
for (const file of built) {
  const text = readFileSync(join('dist', file), 'utf8').replace(/<!--[^]*?-->/g, '')
  if (/url\(\s*['"]?(?:https?:)?\/\//.test(text) || (file.endsWith('.html') && /<style|style=|<script>/.test(text))) {
    console.error(`dist/${file} loads something from elsewhere, or has a style or a script within.`)
    process.exit(1)
  }
}
