import type { ReactNode } from 'react'
import { useNavigate } from '@tanstack/react-router'
import { isNotFound } from '../api/client'
import { Button } from './button'
import { Empty, Failed } from './states'

/** One thing of a list, in the state it is in: there is none, it failed, it is on its way, or there. */
export function One<Thing>({
  of: { data, error, refetch },
  what,
  icon,
  list,
  why = 'It was deleted, or the address is not quite right.',
  children,
}: {
  /** What fetches it. What was there stays while it is asked for again and fails. */
  of: { data?: Thing; error: unknown; refetch: () => unknown }
  /** What it is, in the singular. */
  what: string
  icon: ReactNode
  /** Where all of them are. */
  list: string
  /** Why there may be none. */
  why?: string
  children: (thing: Thing) => ReactNode
}) {
  const go = useNavigate()
  const isMissing = isNotFound(error)
  if (data && !isMissing) return children(data)
  return (
    <div className={error ? 'card' : 'card pad'} aria-busy={!error || undefined}>
      {isMissing ? (
        <Empty
          icon={icon}
          title={`There is no such ${what}.`}
          action={<Button onPress={() => go({ to: list })}>{`All ${what}s`}</Button>}
        >
          {why}
        </Empty>
      ) : error ? (
        <Failed what={`The ${what}`} error={error} onRetry={() => refetch()} />
      ) : (
        <div className="bone" />
      )}
    </div>
  )
}
