// Checks allowed addresses as they are typed, by the API's rules. The server has the last word.

/** One element of the list: its canonical form, or what is wrong with it and perhaps what was meant. */
export type Ip = { text: string; value?: string; error?: string; fix?: string }

const NEITHER = 'is not an IP address or a CIDR range'

/** The bytes of an IPv4 address, or what is wrong with it. */
function v4(text: string): number[] | string {
  const parts = text.split('.')
  if (parts.length !== 4 || !parts.every(part => /^\d{1,3}$/.test(part))) return NEITHER
  if (parts.some(part => part.length > 1 && part.startsWith('0'))) return 'has a leading zero'
  const bytes = parts.map(Number)
  return bytes.some(byte => byte > 255) ? 'has a number over 255' : bytes
}

/** The bytes of an IPv6 address. */
function v6(text: string): number[] | null {
  let groups = text.toLowerCase()
  const mixed = groups.match(/^(.*:)(\d+\.\d+\.\d+\.\d+)$/)
  if (mixed) {
    const tail = v4(mixed[2])
    if (typeof tail === 'string') return null
    groups = `${mixed[1]}${((tail[0] << 8) | tail[1]).toString(16)}:${((tail[2] << 8) | tail[3]).toString(16)}`
  }
  const halves = groups.split('::')
  if (halves.length > 2) return null
  const side = (half: string) => (half ? half.split(':') : [])
  const before = side(halves[0])
  const after = side(halves[1] ?? '')
  if ([...before, ...after].some(group => !/^[0-9a-f]{1,4}$/.test(group))) return null
  const missing = 8 - before.length - after.length
  if (halves.length === 2 ? missing < 1 : missing !== 0) return null
  const all = [...before, ...Array<string>(halves.length === 2 ? missing : 0).fill('0'), ...after]
  return all.flatMap(group => {
    const value = parseInt(group, 16)
    return [value >> 8, value & 255]
  })
}

const bytesOf = (address: string) => (address.includes(':') ? v6(address) : v4(address))

/** The byte of a mask of this many bits. */
const maskAt = (at: number, bits: number) => {
  if (bits >= 8 * at + 8) return 255
  return bits <= 8 * at ? 0 : (255 << (8 - (bits - 8 * at))) & 255
}

function show(bytes: number[]): string {
  if (bytes.length === 4) return bytes.join('.')
  const groups = Array.from({ length: 8 }, (_, at) => ((bytes[2 * at] << 8) | bytes[2 * at + 1]).toString(16))
  // The longest run of zeros, the first of equals, of at least two (RFC 5952).
  let [start, longest] = [-1, 1]
  for (let at = 0; at < 8; at++) {
    let end = at
    while (end < 8 && groups[end] === '0') end++
    if (end - at > longest) [start, longest] = [at, end - at]
  }
  if (start < 0) return groups.join(':')
  return `${groups.slice(0, start).join(':')}::${groups.slice(start + longest).join(':')}`
}

/** Reads one element. */
export function one(element: string): Ip {
  const text = element.trim()
  const wrong = (error: string, fix?: string): Ip => ({ text, error, fix })
  if (/[[\]]/.test(text)) return wrong('Write it without brackets.')
  if (/^0x|\.0x/i.test(text)) return wrong('Hexadecimal addresses are not accepted.')
  if (/^[\d.]+\s*-\s*[\d.]+$/.test(text)) {
    return wrong('A dash range is not accepted. Use CIDR, for example 10.0.0.0/24.')
  }
  const [address, prefix, more] = text.split('/')
  const read = bytesOf(address) ?? NEITHER
  if (typeof read === 'string') return wrong(`${text} ${read}.`)
  if (more !== undefined) return wrong(`${text} ${NEITHER}.`)
  const isMapped =
    read.length === 16 && read.slice(0, 10).every(byte => byte === 0) && read[10] === 255 && read[11] === 255
  const bytes = isMapped ? read.slice(12) : read
  if (prefix === undefined) return { text, value: show(bytes) }
  const bits = Number(prefix) - (isMapped ? 96 : 0)
  if (!/^(0|[1-9]\d{0,2})$/.test(prefix) || bits > bytes.length * 8 || bits < 0) {
    return wrong(`/${prefix} is not a prefix length of this address.`)
  }
  const network = bytes.map((byte, at) => byte & maskAt(at, bits))
  const range = `${show(network)}/${bits}`
  if (network.some((byte, at) => byte !== bytes[at])) {
    return wrong(`${text} is not the start of its range. Did you mean ${range}?`, range)
  }
  return { text, value: range }
}

/** Reads a comma-separated list. Empty elements do not count. */
export const parse = (text: string): Ip[] =>
  text
    .split(',')
    .map(element => element.trim())
    .filter(Boolean)
    .map(one)

/** Whether a list of addresses and ranges allows this address. An empty list allows any. */
export function covers(list: string[], address: string): boolean {
  const asked = bytesOf(address)
  if (list.length === 0 || !Array.isArray(asked)) return true
  return list.some(element => {
    const [start, prefix] = element.split('/')
    const bytes = bytesOf(start)
    if (!Array.isArray(bytes) || bytes.length !== asked.length) return false
    const bits = prefix === undefined ? bytes.length * 8 : Number(prefix)
    return bytes.every((byte, at) => (byte & maskAt(at, bits)) === (asked[at] & maskAt(at, bits)))
  })
}
