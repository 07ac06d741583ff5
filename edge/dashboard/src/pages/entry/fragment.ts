/**
 * The token of a link stands in its fragment, which no server and no proxy sees. It is read once and taken out of the
 * address before the first request, so that neither history nor a screenshot keeps it.
 */
export function takeFragment(): string {
  const token = location.hash.slice(1)
  if (token) history.replaceState(history.state, '', location.pathname + location.search)
  return token
}
