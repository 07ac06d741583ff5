import { Fragment, useState, type ReactNode } from 'react'
import { useInfiniteQuery } from '@tanstack/react-query'
import { ChevronRight, ScrollText } from 'lucide-react'
import { auditQuery, type AuditEntry, type AuditFilter } from '../../api/audit'
import { Button } from '../../ui/button'
import { exact, stamp, visible } from '../../ui/format'
import { ico, icoS } from '../../ui/icons'
import { List } from '../../ui/list'
import { Older } from '../../ui/older'
import { Empty } from '../../ui/states'
import { Avatar, Status } from '../../ui/tag'
import { Text } from '../../ui/text'
import { Difference } from './difference'

const KINDS: Record<string, string> = {
  TOKEN: 'by access token',
  API_KEY: 'by API key',
  SYSTEM: 'by the server itself',
}
const RESOURCES: Record<string, string> = {
  api_key: 'API key',
  agent: 'Agent',
  member: 'Member',
  token: 'Access token',
  session: 'Session',
  organization: 'Organization',
  contact_field: 'Contact field',
  webhook: 'Webhook',
  contact: 'Contact',
  document_extraction: 'Document',
  extraction_template: 'Extraction template',
}

/** Entries of the log that fit the filter, newest first, with more on demand. `empty` stands where there are none. */
export function AuditTable({
  filter,
  label = 'Audit log',
  empty,
}: {
  filter: AuditFilter
  label?: string
  empty?: ReactNode
}) {
  const entries = useInfiniteQuery(auditQuery(filter))
  const [open, setOpen] = useState<string | null>(null)
  return (
    <List
      of={entries}
      items={entries.data?.pages.flatMap(page => page.items)}
      what="The audit log"
      label={label}
      columns={[
        'User',
        'Description',
        'Action',
        'Resource',
        'Status',
        'Timestamp',
        { name: 'Details', isHidden: true, className: 'col-acts' },
      ]}
      bones={[8, 60, 80, 60, 50, 40, 60, 30]}
      empty={
        empty ?? (
          <Empty icon={<ScrollText {...ico} />} title="Nothing has changed yet.">
            Whatever is made, changed or deleted appears here.
          </Empty>
        )
      }
      foot={<Older of={entries} />}
    >
      {entry => (
        <Row
          key={entry.id}
          entry={entry}
          isOpen={open === entry.id}
          onToggle={() => setOpen(open === entry.id ? null : entry.id)}
        />
      )}
    </List>
  )
}

function Row({ entry, isOpen, onToggle }: { entry: AuditEntry; isOpen: boolean; onToggle: () => void }) {
  const who = entry.actor.name || entry.actor.id || 'Keyward'
  const how = KINDS[entry.actor.kind ?? '']
  return (
    <Fragment>
      <tr className={isOpen ? 'opened' : undefined}>
        <td>
          <span className="row">
            <Avatar name={visible(who)} />
            <span className="clip">
              <Text clip>{who}</Text>
              {how && <span className="small faint block">{how}</span>}
            </span>
          </span>
        </td>
        <td className="col-text">
          <Text>{entry.description}</Text>
        </td>
        <td>
          <code className="muted">{entry.action}</code>
        </td>
        <td>
          <span className="clip">
            <Text clip>{entry.resource.name || RESOURCES[entry.resource.type] || entry.resource.type || ''}</Text>
          </span>
          {entry.resource.name && (
            <span className="small faint block">{RESOURCES[entry.resource.type] ?? entry.resource.type}</span>
          )}
        </td>
        <td>
          {entry.status === 'SUCCESS' ? <Status kind="good">Success</Status> : <Status kind="bad">Failure</Status>}
        </td>
        <td className="num nowrap muted" title={exact(entry.at)}>
          {stamp(entry.at)}
        </td>
        <td>
          <Button
            kind="ghost"
            size="small"
            icon
            aria-expanded={isOpen}
            aria-label={`Details of: ${visible(entry.description)}`}
            onPress={onToggle}
          >
            <ChevronRight {...icoS} className={isOpen ? 'turned' : undefined} />
          </Button>
        </td>
      </tr>
      {isOpen && (
        <tr className="opened">
          <td colSpan={7}>
            <Difference before={entry.before} after={entry.after} />
            <p className="small muted audit-from">
              {entry.clientAddress && (
                <>
                  From <code>{entry.clientAddress}</code>,{' '}
                </>
              )}
              {exact(entry.at)}
              {entry.requestId && (
                <>
                  , request <code>{entry.requestId}</code>
                </>
              )}
            </p>
          </td>
        </tr>
      )}
    </Fragment>
  )
}
