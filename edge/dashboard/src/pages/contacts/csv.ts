// The beginning of a CSV file: which columns it has, and what they may be. The server reads the file itself; this only
// lets somebody say what its columns are.
import type { Field } from '../../api/fields'

/** How much of a file is looked at, in bytes. */
export const LOOKED_AT = 64 * 1024
/** As many rows are shown as samples. */
const SAMPLES = 3
/** What may part cells, the likeliest first. */
const DELIMITERS = [',', ';', '\t']

export type Opening = {
  delimiter: string
  columns: string[]
  /** The first rows. */
  samples: string[][]
}

/** The text of a file that a spreadsheet wrote: a byte order mark says how it is encoded, else it is UTF-8. */
export function decode(bytes: Uint8Array): string {
  const charset =
    bytes[0] === 0xff && bytes[1] === 0xfe ? 'utf-16le' : bytes[0] === 0xfe && bytes[1] === 0xff ? 'utf-16be' : 'utf-8'
  return new TextDecoder(charset).decode(bytes)
}

/** How a text begins; null where its first line is not whole or has nothing in it. `isWhole`: nothing follows it. */
export function opening(text: string, isWhole: boolean): Opening | null {
  // A line that spreadsheets write to say what parts the cells.
  const said = /^sep=([,;\t])(\r\n|\r|\n|$)/.exec(text)
  const rest = said ? text.slice(said[0].length) : text
  const delimiter = said?.[1] ?? mostFrequent(rest)
  const rows = records(rest, delimiter, SAMPLES + 1, isWhole)
  const [columns, ...samples] = rows
  if (!columns || columns.every(name => name.trim() === '')) return null
  return { delimiter, columns: columns.map(name => name.trim()), samples }
}

/** Of what may part cells, what stands in the first line most often outside of quotes. */
function mostFrequent(text: string): string {
  const counts = DELIMITERS.map(() => 0)
  let isQuoted = false
  for (const c of text) {
    if (c === '"') isQuoted = !isQuoted
    if (isQuoted) continue
    if (c === '\n' || c === '\r') break
    const at = DELIMITERS.indexOf(c)
    if (at >= 0) counts[at]++
  }
  return DELIMITERS[counts.indexOf(Math.max(...counts))]
}

/** The first rows of a text. A row that is cut off is none. */
function records(text: string, delimiter: string, most: number, isWhole: boolean): string[][] {
  const rows: string[][] = []
  let row: string[] = []
  let cell = ''
  let isQuoted = false
  for (let at = 0; at < text.length && rows.length < most; at++) {
    const c = text[at]
    if (isQuoted) {
      if (c !== '"') cell += c
      else if (text[at + 1] === '"') cell += text[at++]
      else isQuoted = false
    } else if (c === '"' && cell === '') isQuoted = true
    else if (c === delimiter) {
      row.push(cell)
      cell = ''
    } else if (c === '\n' || c === '\r') {
      if (c === '\r' && text[at + 1] === '\n') at++
      rows.push([...row, cell])
      row = []
      cell = ''
    } else cell += c
  }
  if (isWhole && rows.length < most && (row.length > 0 || cell !== '')) rows.push([...row, cell])
  return rows
}

/** What a column can be: the name that the import knows it by, and what people call it. An empty one is left out. */
export type Target = [id: string, name: string]

const STANDARD: Target[] = [
  ['name', 'Name'],
  ['email', 'Email'],
  ['mobileNumber', 'Mobile number'],
  ['externalReferenceId', 'Reference'],
  ['stage', 'Stage'],
  ['source', 'Source'],
  ['tags', 'Tags'],
  ['notes', 'Notes'],
  ['gender', 'Gender'],
  ['id', 'Id of the contact'],
  ['customFields', 'Custom fields, as JSON'],
]

const CUSTOM = 'customFields.'

/** What the columns of a file can be. Where no field is declared, a column may say which custom field it is. */
export function targets(columns: string[], fields: Field[]): Target[] {
  const declared = fields.map(({ key, title }): Target => [CUSTOM + key, title])
  const own = fields.length ? [] : columns.filter(name => new RegExp(`^${CUSTOM}[A-Za-z0-9_-]{1,64}$`).test(name))
  return [...STANDARD, ...declared, ...[...new Set(own)].map((name): Target => [name, name.slice(CUSTOM.length)])]
}

/** Other names for the standard fields, without capitals and without what is neither letter nor digit. */
const ALSO: Record<string, string> = {
  fullname: 'name',
  contact: 'name',
  contactname: 'name',
  customer: 'name',
  customername: 'name',
  mail: 'email',
  emailaddress: 'email',
  mobile: 'mobileNumber',
  mobilephone: 'mobileNumber',
  phone: 'mobileNumber',
  phonenumber: 'mobileNumber',
  telephone: 'mobileNumber',
  handy: 'mobileNumber',
  telefon: 'mobileNumber',
  reference: 'externalReferenceId',
  externalid: 'externalReferenceId',
  customerid: 'externalReferenceId',
  customernumber: 'externalReferenceId',
  contactid: 'externalReferenceId',
  kundennummer: 'externalReferenceId',
  status: '',
  lifecyclestage: 'stage',
  leadsource: 'source',
  labels: 'tags',
  tag: 'tags',
  note: 'notes',
  comment: 'notes',
  comments: 'notes',
  sex: 'gender',
}

const bare = (name: string) =>
  name
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]/gu, '')

/** What the columns seem to be by their names; nothing is two of them. */
export function guess(columns: string[], possible: Target[]): string[] {
  const ids = possible.map(([id]) => id)
  const known = new Map<string, string>()
  for (const [name, id] of Object.entries(ALSO)) if (ids.includes(id)) known.set(name, id)
  for (const [id, name] of possible) known.set(bare(name), id).set(bare(id), id)
  const taken = new Set(columns.filter(name => ids.includes(name)))
  return columns.map(name => {
    if (ids.includes(name)) return name
    const id = known.get(bare(name)) ?? ''
    if (!id || taken.has(id)) return ''
    taken.add(id)
    return id
  })
}

/** What to tell the server of columns that are not called what they are. */
export function mapping(columns: string[], chosen: string[]): Record<string, string> {
  const named = columns.flatMap((name, at) => (name !== '' && chosen[at] !== name ? [[name, chosen[at]]] : []))
  return Object.fromEntries(named)
}

/** What is wrong with the columns and what was chosen for them. */
export function columnFault(columns: string[], chosen: string[]): string | null {
  const doubled = columns.find((name, at) => name !== '' && columns.indexOf(name) !== at)
  if (doubled !== undefined) return `Two columns are called “${doubled}”. Give one of them another name in the file.`
  const twice = chosen.find((id, at) => id !== '' && chosen.indexOf(id) !== at)
  if (twice !== undefined) return 'Two columns are to be the same field.'
  return chosen.every(id => id === '') ? 'Say of at least one column what it is.' : null
}
