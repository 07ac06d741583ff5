import type { ComponentProps, ReactNode } from 'react'
import { Bones, Failed, useLate } from './states'
import { Table } from './table'

/** A list in the state it is in: it failed, there is nothing in it, it is on its way, or there. */
export function List<Item>({
  of: { isPending, isError, error, refetch },
  items,
  what,
  empty,
  bones: [rows, ...widths],
  foot,
  children: row,
  ...table
}: Omit<ComponentProps<typeof Table>, 'label' | 'isPending' | 'children'> & {
  /** What fills it. */
  of: { isPending: boolean; isError: boolean; error: unknown; refetch: () => unknown }
  /** Those that have come. They stay while it is asked for again and fails. */
  items: Item[] | undefined
  /** What it is a list of. */
  what: string
  /** What the table is called, where that says more. */
  label?: string
  /** What stands where there are none. */
  empty: ReactNode
  /** The shape of the table that is on its way: how many rows, and the widths of `Bones`, of the actions too. */
  bones: [rows: number, ...widths: number[]]
  /** Below the table. */
  foot?: ReactNode
  /** The row of an item. */
  children: (item: Item) => ReactNode
}) {
  const isLate = useLate(isPending)
  if (isError && !items) return <Failed what={what} error={error} onRetry={() => refetch()} />
  if (items?.length === 0) return empty
  return (
    <>
      <Table label={what} {...table} isPending={isPending}>
        {items?.map(row)}
        {isLate && <Bones rows={rows} widths={widths.slice(0, table.columns.filter(Boolean).length)} />}
      </Table>
      {foot}
    </>
  )
}
