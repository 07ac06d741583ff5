import { useEffect, useState, type ReactNode } from 'react'
import { CircleAlert, CircleCheck, Info, TriangleAlert } from 'lucide-react'
import { Refused, wording } from '../api/client'
import { Button } from './button'
import { CopyButton } from './copy'
import { ico } from './icons'

/** A skeleton that shows for less than this would only flicker, in milliseconds. */
const SKELETON_AFTER = 150

/** True once something has taken long enough for a skeleton. */
export function useLate(isPending: boolean): boolean {
  const [late, setLate] = useState(false)
  useEffect(() => {
    if (!isPending) return setLate(false)
    const timer = setTimeout(() => setLate(true), SKELETON_AFTER)
    return () => clearTimeout(timer)
  }, [isPending])
  return late && isPending
}

const NOTICE_ICONS = { plain: Info, warn: TriangleAlert, bad: CircleAlert, good: CircleCheck }

export function Notice({
  kind,
  icon,
  children,
  actions,
  role,
}: {
  kind?: 'warn' | 'bad' | 'good'
  icon?: ReactNode
  children: ReactNode
  actions?: ReactNode
  role?: 'alert' | 'status'
}) {
  const Icon = NOTICE_ICONS[kind ?? 'plain']
  return (
    <div className={'notice ' + (kind ?? '')} role={role}>
      {icon ?? <Icon {...ico} />}
      <div className="grow">{children}</div>
      {actions && <div className="row nowrap">{actions}</div>}
    </div>
  )
}

/** What a form says of a refusal that belongs to no field of it. */
export function FormError({ error }: { error: unknown }) {
  if (error instanceof Refused && error.details.length > 0) return null
  return <Refusal error={error} />
}

/** What is said of a refusal where there are no fields. */
export function Refusal({ error }: { error: unknown }) {
  if (!error) return null
  return (
    <Notice kind="bad" role="alert">
      {wording(error)}
      <RequestLine error={error} />
    </Notice>
  )
}

function RequestLine({ error }: { error: unknown }) {
  if (!(error instanceof Refused) || !error.requestId) return null
  return (
    <span className="row small muted request-line">
      Request <code>{error.requestId}</code>
      <CopyButton text={error.requestId} label="Copy the request id" />
    </span>
  )
}

export function Empty({
  icon,
  title,
  children,
  action,
}: {
  icon: ReactNode
  title: string
  children?: ReactNode
  action?: ReactNode
}) {
  return (
    <div className="empty">
      <div className="glyph">{icon}</div>
      <h2>{title}</h2>
      {children && <p>{children}</p>}
      {action}
    </div>
  )
}

/** Rows of a table that is loading. Widths are in percent of their cells. */
export function Bones({
  rows,
  widths,
  cells = {},
}: {
  rows: number
  widths: number[]
  cells?: Record<number, string>
}) {
  return (
    <>
      {Array.from({ length: rows }, (_, row) => (
        <tr key={row} aria-hidden>
          {widths.map((width, column) => (
            <td key={column} className={cells[column]}>
              <div className="bone" style={{ width: `${width * (1 - ((row * 7 + column * 3) % 5) / 12)}%` }} />
            </td>
          ))}
        </tr>
      ))}
    </>
  )
}

/** A list or a page that could not be loaded. */
export function Failed({ what, error, onRetry }: { what: string; error: unknown; onRetry: () => void }) {
  return (
    <div className="empty" role="alert">
      <div className="glyph">
        <CircleAlert {...ico} />
      </div>
      <h2>{what} could not be loaded</h2>
      <p>{wording(error)}</p>
      <RequestLine error={error} />
      <Button onPress={onRetry}>Try again</Button>
    </div>
  )
}
