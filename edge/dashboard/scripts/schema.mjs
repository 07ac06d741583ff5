// npm run schema -- OPENAPI: makes src/api/schema.d.ts of an OpenAPI document (a file, or the URL of one). With
// --check it changes nothing, and fails when the file is not what the document says.
import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import openapiTypescript, { astToString } from 'openapi-typescript'

const TYPES = join(dirname(fileURLToPath(import.meta.url)), '..', 'src', 'api', 'schema.d.ts')

/** What people read of a document, and types do not need. */
const PROSE = ['description', 'summary']

/** What the pages call. */
const ROOT = '/v1/console'

const args = process.argv.slice(2)
const source = args.find(arg => !arg.startsWith('--'))
if (!source) throw new Error('Which document? npm run schema -- http://127.0.0.1:8080/openapi.json')
const text = /^https?:/.test(source) ? await (await fetch(source)).text() : readFileSync(source, 'utf8')
const document = JSON.parse(text, (name, value) =>
  PROSE.includes(name) && typeof value === 'string' ? undefined : value,
)

document.paths = Object.fromEntries(Object.entries(document.paths).filter(([path]) => path.startsWith(ROOT)))
// Refusals have one form, which src/api/client.ts reads. Headers of answers are read nowhere else.
for (const operation of Object.values(document.paths).flatMap(Object.values)) {
  if (!operation.responses) continue
  const successes = Object.entries(operation.responses).filter(([status]) => status.startsWith('2'))
  operation.responses = Object.fromEntries(successes.map(([status, { headers: _, ...rest }]) => [status, rest]))
}
keepReferenced(document)
const types = `// Made of /openapi.json by \`npm run schema\`. Not to be changed by hand.\n\n${astToString(await openapiTypescript(document))}`

if (!args.includes('--check')) {
  writeFileSync(TYPES, types)
} else if (readFileSync(TYPES, 'utf8') !== types) {
  console.error(
    'edge/dashboard/src/api/schema.d.ts is not what /openapi.json says. With a server that runs:\n' +
      '  npm run --prefix edge/dashboard schema -- http://127.0.0.1:8080/openapi.json',
  )
  process.exit(1)
}

/** Leaves only components that something mentions. */
function keepReferenced({ paths, components }) {
  const mentioned = new Set()
  const visit = value => {
    for (const [, kind, name] of JSON.stringify(value).matchAll(/"#\/components\/(\w+)\/([^"]+)"/g)) {
      const id = `${kind}/${name}`
      if (mentioned.has(id)) continue
      mentioned.add(id)
      visit(components[kind][name])
    }
  }
  visit(paths)
  for (const [kind, named] of Object.entries(components)) {
    components[kind] = Object.fromEntries(Object.entries(named).filter(([name]) => mentioned.has(`${kind}/${name}`)))
  }
}
