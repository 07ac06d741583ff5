import { describe, expect, it, vi } from 'vitest'
import { api, faults, listen, must, Refused, wording } from '../src/api/client'

// The client asks where it is when it is loaded.
vi.hoisted(() => vi.stubGlobal('location', { origin: 'http://127.0.0.1:8081' }))

const refused = (message: string, retryAfter: number | null = null, field = 'password') =>
  new Refused(400, 'invalid_argument', message, 'id', [{ field, code: 'invalid', message }], retryAfter)

describe('what the server says', () => {
  it('is a sentence of a form', () => {
    expect(faults(refused('`password` is guessed soon.'))).toEqual({ password: 'Password is guessed soon.' })
    // What is no word stays as it is written.
    expect(wording(refused('`externalReferenceId` is taken.'))).toBe('externalReferenceId is taken.')
    expect(faults(refused('`permissions[1]` appears twice.', null, 'permissions[1]'))).toEqual({
      permissions: 'permissions[1] appears twice.',
    })
  })

  it('says once when to try again', () => {
    for (const message of [
      'Too many requests.',
      'Too many requests. Try again.',
      'Too many requests. Try again in 61 s.',
    ]) {
      expect(wording(refused(message, 61))).toBe('Too many requests. Try again in 61 s.')
    }
    expect(wording(refused('The service is unavailable. Try again.'))).toBe('The service is unavailable. Try again.')
  })
})

describe('a request that is refused because nobody is signed in', () => {
  const SESSION = '/v1/console/session'
  const AGENTS = '/v1/console/agents'
  const answer = (status: number, body: unknown) =>
    new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/json' } })
  const nobody = () =>
    answer(401, { success: false, message: 'Sign in.', error: { code: 'not_signed_in', details: [] } })

  it('is sent again when the session was renewed meanwhile', async () => {
    const signedOut = vi.fn()
    listen({ signedOut, demoted: () => {} })
    let tell = () => {}
    const isTold = new Promise<void>(resolve => (tell = resolve))
    let cookie = 'before'
    const asked: string[] = []
    vi.stubGlobal('fetch', async (request: Request) => {
      const path = new URL(request.url).pathname
      const sent = cookie
      asked.push(path)
      if (path === AGENTS) return sent === 'renewed' ? answer(200, { data: [] }) : nobody()
      // The server has renewed it, and the answer is on its way.
      await isTold
      cookie = 'renewed'
      return answer(200, { data: { csrfToken: 'token' } })
    })
    const session = api.GET(SESSION)
    const agents = must(api.GET(AGENTS))
    await vi.waitFor(() => expect(asked).toEqual([SESSION, AGENTS]))
    tell()
    expect(await agents).toEqual([])
    await session
    expect(asked).toEqual([SESSION, AGENTS, SESSION, AGENTS])
    expect(signedOut).not.toHaveBeenCalled()
  })

  it('asks for the session once, however many are refused at the same moment', async () => {
    const asked: string[] = []
    let isRenewed = false
    vi.stubGlobal('fetch', async (request: Request) => {
      const path = new URL(request.url).pathname
      asked.push(path)
      if (path === AGENTS) return isRenewed ? answer(200, { data: [] }) : nobody()
      isRenewed = true
      return answer(200, { data: { csrfToken: 'token' } })
    })
    const all = [must(api.GET(AGENTS)), must(api.GET(AGENTS)), must(api.GET(AGENTS))]
    expect(await Promise.all(all)).toEqual([[], [], []])
    expect(asked).toEqual([AGENTS, AGENTS, AGENTS, SESSION, AGENTS, AGENTS, AGENTS])
    // The next refusal is another one.
    isRenewed = false
    expect(await must(api.GET(AGENTS))).toEqual([])
    expect(asked.slice(-3)).toEqual([AGENTS, SESSION, AGENTS])
  })

  it('says so when the session has ended', async () => {
    const signedOut = vi.fn()
    listen({ signedOut, demoted: () => {} })
    vi.stubGlobal('fetch', async () => nobody())
    await expect(must(api.GET(AGENTS))).rejects.toMatchObject({ code: 'not_signed_in' })
    expect(signedOut).toHaveBeenCalledOnce()
  })
})
