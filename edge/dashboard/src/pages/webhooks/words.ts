// What webhooks say, in words.
import type { Delivery, TestResult, Webhook } from '../../api/webhooks'

/** What a webhook can be told, in groups. */
export const EVENTS: [group: string, events: [id: string, name: string][]][] = [
  [
    'Contacts',
    [
      ['contact.created', 'Created'],
      ['contact.updated', 'Updated'],
      ['contact.archived', 'Archived'],
      ['contact.unarchived', 'Unarchived'],
      ['contact.deleted', 'Deleted'],
    ],
  ],
  ['Documents', [['document_extraction.finished', 'Extraction finished']]],
  [
    'API keys',
    [
      ['api_key.expiring', 'Expires soon'],
      ['api_key.rotated', 'Rotated'],
      ['api_key.deleted', 'Deleted'],
    ],
  ],
]
export const ALL_EVENTS = EVENTS.flatMap(([, events]) => events.map(([id]) => id))

const REASONS: Record<string, string> = {
  BY_MEMBER: 'A member disabled it.',
  GONE: 'Its receiver answered 410 Gone, so it was disabled.',
  FAILING: 'No message arrived for five days, so it was disabled.',
}

/** Why a webhook sends nothing. */
export const whyDisabled = ({ disabledReason }: Webhook): string => REASONS[disabledReason ?? ''] ?? 'It was disabled.'

const FAILURES: Record<string, string> = {
  UNREACHABLE: 'No connection',
  TLS: 'No trusted TLS',
  TIMED_OUT: 'No answer within 15 s',
  NO_ANSWER: 'The connection broke off',
}

/** What the last attempt came to: "204", "No connection". */
export function answer({ lastStatus, lastFailure }: Pick<Delivery, 'lastStatus' | 'lastFailure'>): string {
  if (lastStatus !== null) return String(lastStatus)
  return lastFailure ? (FAILURES[lastFailure] ?? 'No answer') : 'Not sent yet'
}

/** What came of a test, as a sentence. */
export function tested({ delivered, status, failure }: TestResult): string {
  if (delivered) return `The test message has arrived: the receiver answered ${status}.`
  if (status !== null) return `The receiver answered ${status}. Only 2xx means that a message has arrived.`
  const words: Record<string, string> = {
    UNREACHABLE: 'There is no connection to an address that messages may go to.',
    TLS: 'There is no TLS connection: its certificate may not be trusted.',
    TIMED_OUT: 'The receiver did not answer within 15 seconds.',
    NO_ANSWER: 'The connection ended before there was an answer.',
  }
  return words[failure ?? ''] ?? 'The receiver did not answer.'
}

/** What is wrong with an address; the server has the last word. */
export function addressFault(url: string): string | undefined {
  if (!url.trim()) return 'Enter an address.'
  let parsed: URL
  try {
    parsed = new URL(url.trim())
  } catch {
    return 'An address, as in https://example.com/keyward.'
  }
  if (parsed.protocol !== 'https:' && parsed.protocol !== 'http:') return 'The address begins with https://.'
  if (parsed.username || parsed.password) return 'The address has no user name and no password.'
  return parsed.hash ? 'The address has no fragment.' : undefined
}
