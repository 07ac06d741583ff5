import { visible } from './format'

/** Stored text: as text in a direction of its own, control characters as symbols, whole in `title` where it is cut. */
export function Text({ children, clip }: { children: string; clip?: boolean }) {
  const text = visible(children)
  return (
    <bdi className={clip ? 'clip' : undefined} title={clip ? text : undefined}>
      {text}
    </bdi>
  )
}

/** A message of the API: what stands between backticks is a name or a value, and shows as such. */
export function Message({ children }: { children: string }) {
  return (
    <bdi>
      {visible(children)
        .split('`')
        .map((part, at) => (at % 2 ? <code key={at}>{part}</code> : part))}
    </bdi>
  )
}
