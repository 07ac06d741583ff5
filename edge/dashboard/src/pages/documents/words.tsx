import type { Job } from '../../api/documents'
import { Status } from '../../ui/tag'
import { SURE } from './values'

/** Why a document could not be read, in a few words. */
const FAILURES: Record<string, string> = {
  unreadable_document: 'cannot be read',
  password_protected: 'has a password',
  too_many_pages: 'too many pages',
  too_large: 'too large',
  timed_out: 'took too long',
  engine_unavailable: 'reader not available',
  internal: 'a fault of ours',
}

/** Where a document stands. */
export function Progress({ job }: { job: Pick<Job, 'status' | 'pagesRead' | 'pageCount' | 'error'> }) {
  switch (job.status) {
    case 'SUCCEEDED':
      return <Status kind="good">Done</Status>
    case 'FAILED':
      return (
        <span className="row">
          <Status kind="bad">Failed</Status>
          <span className="muted">{FAILURES[job.error?.code ?? ''] ?? job.error?.code}</span>
        </span>
      )
    case 'RUNNING':
      return (
        <span className="row">
          <span className="pulse" />
          {job.pageCount
            ? `Reading page ${Math.min((job.pagesRead ?? 0) + 1, job.pageCount)} of ${job.pageCount}`
            : 'Reading'}
        </span>
      )
    default:
      return <Status kind="off">Queued</Status>
  }
}

/** How sure a value is: a bar, amber where it is worth a look, and the number. */
export function Confidence({ of: share, wide }: { of: number; wide?: boolean }) {
  return (
    <span className="conf num">
      <span className={'meter' + (share < SURE ? ' low' : '') + (wide ? ' wide' : '')} aria-hidden>
        <i style={{ width: `${share * 100}%` }} />
      </span>
      <span>
        <span className="sr">Confidence </span>
        {share.toFixed(2)}
      </span>
    </span>
  )
}
