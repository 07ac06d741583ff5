/** A key for one request that is sent until it is answered: 128 random bits. Not `randomUUID`, which there is only on
 * https and on this machine. */
export const newIdempotencyKey = () =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), byte => byte.toString(16).padStart(2, '0')).join('')
