import type { ReactNode } from 'react'

/** The head of a column: its name, which is for readers of screens only where the cells speak for themselves. */
type Column = string | { name: string; className?: string; isHidden?: boolean }

/** The column of a row's menu or buttons. */
export const ACTIONS: Column = { name: 'Actions', className: 'col-acts', isHidden: true }

/** A table, in a frame that scrolls by itself where the window is narrow. Its children are its rows. */
export function Table({
  label,
  caption = label,
  columns,
  kind,
  frame,
  isHeadHidden,
  isPending,
  children,
}: {
  label: string
  caption?: ReactNode
  /** One that is false is left out. */
  columns: (Column | false)[]
  kind?: 'tall'
  frame?: 'line-above'
  isHeadHidden?: boolean
  isPending?: boolean
  children: ReactNode
}) {
  return (
    <div className={classes('tbl-scroll', frame)} role="region" aria-label={label} tabIndex={0}>
      <table className={classes('tbl', kind)}>
        <caption className="sr">{caption}</caption>
        <thead className={isHeadHidden ? 'sr' : undefined}>
          <tr>
            {columns.map(column => {
              if (!column) return null
              const { name, className, isHidden }: Exclude<Column, string> =
                typeof column === 'string' ? { name: column } : column
              return (
                <th key={name} className={className}>
                  {isHidden ? <span className="sr">{name}</span> : name}
                </th>
              )
            })}
          </tr>
        </thead>
        <tbody aria-busy={isPending}>{children}</tbody>
      </table>
    </div>
  )
}

const classes = (...names: (string | undefined)[]) => names.filter(Boolean).join(' ')
