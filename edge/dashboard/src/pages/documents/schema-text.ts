// A JSON Schema as people type it.

/** The schema, or what is wrong with the text. */
export function readSchema(text: string): { schema: object } | { fault: string } {
  try {
    const parsed: unknown = JSON.parse(text)
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return { schema: parsed }
    return { fault: 'A schema is an object.' }
  } catch {
    return { fault: text.trim() ? 'That is not JSON.' : 'Say what is to be found, as a JSON Schema.' }
  }
}
