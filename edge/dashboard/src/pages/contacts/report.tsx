import type { Import, RefusedRow } from '../../api/imports'
import { num } from '../../ui/format'
import { Table } from '../../ui/table'
import { Status } from '../../ui/tag'
import { Message } from '../../ui/text'

/** How far an import has come. */
export function ImportStatus({ of: { status, failed, dryRun } }: { of: Import }) {
  switch (status) {
    case 'RUNNING':
      return <Status kind="warn">Running</Status>
    case 'FINISHED':
      return <Status kind={failed ? 'warn' : 'good'}>{dryRun ? 'Checked' : 'Finished'}</Status>
    case 'FAILED':
      return <Status kind="bad">Failed</Status>
    default:
      return <Status kind="bad">Cut off</Status>
  }
}

/** What became of the rows. */
export function Counts({ of }: { of: Import }) {
  const counts: [name: string, count: number, isBad?: boolean][] = [
    ['Rows', of.rows],
    ['New', of.created],
    ['Changed', of.updated],
    ['As they were', of.unchanged],
    ['Refused', of.failed, of.failed > 0],
  ]
  return (
    <dl className="counts">
      {counts.map(([name, count, isBad]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd className={isBad ? 'num bad' : 'num'}>{num(count)}</dd>
        </div>
      ))}
    </dl>
  )
}

/** The rows that were refused, and why. */
export function RefusedRows({ rows }: { rows: RefusedRow[] }) {
  return (
    <Table
      label="Refused rows, line by line"
      caption="Refused rows"
      columns={[{ name: 'Line', className: 'col-line' }, 'What is wrong']}
    >
      {rows.map(({ line, error }, at) => (
        <tr key={at}>
          <td className="num">{num(line)}</td>
          <td className="col-text">
            {error?.details.length ? (
              error.details.map(({ field, message }, at) => (
                <span key={at} className="block">
                  {field && !message.includes('`') && <code>{field}</code>} <Message>{message}</Message>
                </span>
              ))
            ) : (
              <Message>{error?.message ?? 'It was refused.'}</Message>
            )}
          </td>
        </tr>
      ))}
    </Table>
  )
}
