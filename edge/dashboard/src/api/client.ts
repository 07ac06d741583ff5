import createClient from 'openapi-fetch'
import type { components, paths } from './schema'
import { setServerTime } from '../ui/format'

export type Schemas = components['schemas']

/** A fault of one field, as the API names it. */
export type Detail = { field: string; code: string; message: string }

/** An answer that is not a success, or none at all. The one kind of error that pages meet. */
export class Refused extends Error {
  constructor(
    /** The HTTP status; 0 when no answer came. */
    readonly status: number,
    readonly code: string,
    message: string,
    readonly requestId: string,
    readonly details: Detail[],
    /** Seconds to wait, when the server said so. */
    readonly retryAfter: number | null,
  ) {
    super(message)
  }

  static unreachable = () => new Refused(0, 'unreachable', 'The server did not answer.', '', [], null)
}

/** Whether there is none of what was asked for. */
export const isNotFound = (error: unknown) => error instanceof Refused && error.status === 404

/** What the client tells the application: they need the screen, which it does not know. */
export type Listener = {
  /** The session has ended. */
  signedOut(): void
  /** The member may no longer do what they tried. */
  demoted(): void
}
let listener: Listener = { signedOut: () => {}, demoted: () => {} }
export const listen = (to: Listener) => {
  listener = to
}

// The CSRF token lives here only: it comes with the session and goes out as a header.
let csrfToken = ''
export const setCsrfToken = (token: string) => {
  csrfToken = token
}

const SAFE = ['GET', 'HEAD']

async function once(request: Request): Promise<Response> {
  if (!SAFE.includes(request.method) && csrfToken) request.headers.set('X-CSRF-Token', csrfToken)
  try {
    const response = await fetch(request)
    const date = response.headers.get('date')
    if (date) setServerTime(date)
    return response
  } catch (error) {
    // Given up by whoever asked: not a failure of the server.
    if (error instanceof DOMException && error.name === 'AbortError') throw error
    throw Refused.unreachable()
  }
}

const codeOf = async (response: Response): Promise<string> => {
  try {
    return (await response.clone().json()).error.code
  } catch {
    return ''
  }
}

const SESSION = '/v1/console/session'
/** The latest question for the session, which ends when its answer and the cookie with it are here. */
let asked: Promise<unknown> = Promise.resolve()

function askForSession(request: Request): Promise<Response> {
  const answer = once(request)
  asked = answer.catch(() => {})
  return answer
}

/** Whether it was refused for what a session has until it is renewed: its cookie, and its CSRF token. */
async function isRefusedForSession(request: Request, response: Response): Promise<boolean> {
  if (response.status === 401) return (await codeOf(response)) === 'not_signed_in'
  return response.status === 403 && !SAFE.includes(request.method) && (await codeOf(response)) === 'csrf_failed'
}

/** The renewal that is under way: whoever is refused meanwhile waits for the same one. */
let renewal: Promise<boolean> | null = null

/** Takes the session as it is now; whether there is one. */
async function renew(): Promise<boolean> {
  await asked
  const session = await askForSession(new Request(new URL(SESSION, location.origin), { credentials: 'same-origin' }))
  if (!session.ok) return false
  setCsrfToken((await session.json()).data.csrfToken)
  return true
}

async function send(request: Request): Promise<Response> {
  if (request.method === 'GET' && new URL(request.url).pathname === SESSION) return askForSession(request)
  const again = request.clone()
  const response = await once(request)
  if (!(await isRefusedForSession(request, response))) return response
  // The session was renewed while this was on its way, or in another tab: what it has now is worth one more try.
  renewal ??= renew().finally(() => {
    renewal = null
  })
  return (await renewal) ? once(again) : response
}

/** The client: every path, parameter and field is checked against our OpenAPI. */
export const api = createClient<paths>({ baseUrl: location.origin, credentials: 'same-origin', fetch: send })

type Envelope = { data?: unknown; pagination?: unknown }
type Answer = { data?: unknown; error?: unknown; response: Response }

async function checked(answer: Promise<Answer>): Promise<Envelope> {
  const { data, error, response } = await answer
  if (response.ok) return (data ?? {}) as Envelope
  const refused = refusal(response, error)
  if (refused.code === 'not_signed_in') listener.signedOut()
  if (refused.code === 'role_required') listener.demoted()
  throw refused
}

function refusal(response: Response, body: unknown): Refused {
  const { message, error } = (body ?? {}) as { message?: string; error?: { code?: string; details?: Detail[] } }
  const wait = Number(response.headers.get('retry-after'))
  return new Refused(
    response.status,
    error?.code ?? 'internal',
    message ?? 'The server gave an answer that cannot be read.',
    response.headers.get('x-request-id') ?? '',
    error?.details ?? [],
    wait > 0 ? wait : null,
  )
}

/** What the client answers where a success has `data` of this type. */
type Succeeds<T> = { data?: { success: boolean; message: string; data?: T }; error?: unknown; response: Response }

/** The `data` of a success; throws `Refused`. */
export async function must<T>(answer: Promise<Succeeds<T>>): Promise<T> {
  return (await checked(answer as Promise<Answer>)).data as T
}

/** A page of a list, and how many there are on all pages, where that was asked for and counted. */
export type Page<T> = { items: T[]; next: string | null; total: number | null }

type Pagination = { hasMore?: boolean; nextCursor?: string | null; total?: number | null }

/** A page of a list; throws `Refused`. */
export async function page<T>(answer: Promise<Succeeds<T[]>>): Promise<Page<T>> {
  const { data, pagination } = await checked(answer as Promise<Answer>)
  const { hasMore, nextCursor, total } = (pagination ?? {}) as Pagination
  return { items: (data ?? []) as T[], next: hasMore ? (nextCursor ?? null) : null, total: total ?? null }
}

/** A message of the API as a sentence of a form: there names need no marks, and one that is a word may begin it. */
const plain = (message: string) =>
  message.replaceAll('`', '').replace(/^[a-z]+(?= )/, word => word[0].toUpperCase() + word.slice(1))

/** The faults of a refusal by the name of their field; a fault within a list stands at the list. */
export function faults(error: unknown): Record<string, string> {
  if (!(error instanceof Refused)) return {}
  return Object.fromEntries(error.details.map(detail => [detail.field.split('[')[0], plain(detail.message)]))
}

/** What to say of an error that belongs to no field. */
export function wording(error: unknown): string {
  if (!(error instanceof Refused)) return 'That did not work. Reload the page and try again.'
  const message = plain(error.message)
  // Some messages say so themselves, with or without a time.
  const said = message.replace(/ Try again( in [\d.,]+ s)?\.$/, '')
  return error.retryAfter ? `${said} Try again in ${error.retryAfter} s.` : message
}

/** For every query: what passes by itself is asked for again, after as long as the server wants. */
export const retry = (failures: number, error: Error) =>
  failures < 3 && error instanceof Refused && error.retryAfter !== null && error.retryAfter <= 30
export const retryDelay = (_: number, error: Error) =>
  error instanceof Refused && error.retryAfter ? error.retryAfter * 1000 : 1000
