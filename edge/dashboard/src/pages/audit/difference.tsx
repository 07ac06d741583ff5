import { Fragment, type ReactNode } from 'react'
import { visible } from '../../ui/format'

type Side = Record<string, unknown>
const isSide = (value: unknown): value is Side => typeof value === 'object' && value !== null && !Array.isArray(value)

/** A value in one line: text as it is, all else as JSON. */
const shown = (value: unknown) => visible(typeof value === 'string' ? value : JSON.stringify(value))

/** What was and what is, side by side, with what is on one side only marked. */
export function Difference({ before, after }: { before?: unknown; after?: unknown }) {
  const [was, is] = [isSide(before) ? before : null, isSide(after) ? after : null]
  if (!was && !is) return null
  return (
    <div className="diff">
      {was && (
        <div>
          <div className="h">Before</div>
          <pre tabIndex={0} aria-label="Before">
            <Lines side={was} other={is} mark="del" />
          </pre>
        </div>
      )}
      {is && (
        <div>
          <div className="h">After</div>
          <pre tabIndex={0} aria-label="After">
            <Lines side={is} other={was} mark="ins" />
          </pre>
        </div>
      )}
    </div>
  )
}

function Lines({ side, other, mark: Mark }: { side: Side; other: Side | null; mark: 'del' | 'ins' }) {
  // Of something that was just made or is gone, everything differs: marks would tell nothing.
  const marked = (text: string, isSame: boolean): ReactNode => (isSame || !other ? text : <Mark>{text}</Mark>)
  return Object.entries(side).map(([name, value], at) => {
    const beside = other?.[name]
    return (
      <Fragment key={name}>
        {at > 0 && '\n'}
        {name}:{' '}
        <bdi>
          {Array.isArray(value) ? (
            <Elements list={value} beside={Array.isArray(beside) ? beside : []} marked={marked} />
          ) : (
            marked(shown(value), JSON.stringify(value) === JSON.stringify(beside))
          )}
        </bdi>
      </Fragment>
    )
  })
}

function Elements({
  list,
  beside,
  marked,
}: {
  list: unknown[]
  beside: unknown[]
  marked: (text: string, isSame: boolean) => ReactNode
}) {
  if (!list.length) return <span className="faint">none</span>
  const known = new Set(beside.map(value => JSON.stringify(value)))
  return list.map((value, at) => (
    <Fragment key={at}>
      {at > 0 && ', '}
      {marked(shown(value), known.has(JSON.stringify(value)))}
    </Fragment>
  ))
}
