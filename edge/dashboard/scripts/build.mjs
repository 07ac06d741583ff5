// npm run build: the files of the dashboard in dist/, each with its compressed copies, for the binary to embed.
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'

/** The licences of what the files are made of: they ask to be passed on. */
function licences() {
  const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8'))
  const shipped = Object.entries(packages).filter(([path, { dev }]) => path && !dev)
  const texts = shipped.map(([path, { version, license }]) => {
    const file = existsSync(path) && readdirSync(path).find(name => /^licen[cs]e/i.test(name))
    const text = file ? readFileSync(join(path, file), 'utf8').trim() : ''
    return `${path.split('node_modules/').at(-1)} ${version} (${license})\n\n${text}\n`
  })
  return texts.join('\n' + '-'.repeat(80) + '\n\n')
}

// Built beside the old files and then put in their place, so that nobody embeds half a dashboard.
const NEW = 'dist.new'
const bin = command => join('node_modules', '.bin', command)
rmSync(NEW, { recursive: true, force: true })
execFileSync(bin('vite'), ['build', '--outDir', NEW, '--logLevel', 'warn'], { stdio: 'inherit' })

// What loads what, for the check of the budget. It is no file of the dashboard.
renameSync(join(NEW, '.vite', 'manifest.json'), 'manifest.json')
rmSync(join(NEW, '.vite'), { recursive: true })

writeFileSync(join(NEW, 'licenses.txt'), licences())
for (const name of readdirSync(NEW, { recursive: true })) {
  const file = join(NEW, name)
  if (!statSync(file).isFile() || !/\.(js|css|html|svg|txt)$/.test(file)) continue
  const whole = readFileSync(file)
  const copies = {
    br: brotliCompressSync(whole, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }),
    gz: gzipSync(whole, { level: 9 }),
  }
  for (const [extension, copy] of Object.entries(copies)) {
    if (copy.length < whole.length) writeFileSync(`${file}.${extension}`, copy)
  }
}
// As new as the build: that is how it is known whether the sources are newer.
const now = new Date()
utimesSync(join(NEW, 'index.html'), now, now)
rmSync('dist', { recursive: true, force: true })
renameSync(NEW, 'dist')
