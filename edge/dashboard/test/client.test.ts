import { describe, expect, it, vi } from 'vitest'
import { faults, Refused, wording } from '../src/api/client'

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
