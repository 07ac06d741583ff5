// The words of refusals and outcomes, where the API has codes.

/** The rows of the credential check: what each looks at, and what it found when it passed. */
export const CHECKS: Record<string, { title: string; passed: string }> = {
  missing_credentials: { title: 'Credentials', passed: 'Key and secret were sent.' },
  invalid_credentials: { title: 'Key and secret', passed: 'The secret is right.' },
  key_expired: { title: 'Expiry', passed: 'The key had not expired.' },
  key_disabled: { title: 'Enabled', passed: 'The key was enabled.' },
  ip_not_allowed: { title: 'IP address', passed: 'The address is allowed.' },
  rate_limited: { title: 'Limits', passed: 'Both windows had room.' },
  agent_mismatch: { title: 'Agent', passed: 'The path names the key’s agent.' },
  permission_denied: { title: 'Permission', passed: 'The key holds what the operation needs.' },
}

const REASONS: Record<string, string> = {
  ok: 'Allowed',
  missing_credentials: 'No credentials',
  invalid_credentials: 'Wrong secret',
  key_expired: 'Expired',
  key_disabled: 'Disabled',
  ip_not_allowed: 'Address not allowed',
  rate_limited: 'Over its limit',
  agent_mismatch: 'Another agent',
  permission_denied: 'Permission missing',
}

/** A code in words; the code itself where there are none. */
export const reason = (code: string) => REASONS[code] ?? code

/** Whether the credential check refused with this code. */
export const isRefusal = (code: string) => code !== 'ok' && code in REASONS

export const outcomeKind = (code: string) => {
  if (code === 'ok') return 'good'
  if (code === 'rate_limited') return 'warn'
  return isRefusal(code) ? 'bad' : 'plain'
}

/** The outcomes that the list of requests can be narrowed to. */
export const OUTCOMES = Object.entries(REASONS)
  .filter(([code]) => code !== 'missing_credentials' && code !== 'invalid_credentials')
  .map(([id, name]) => ({ id, name }))
