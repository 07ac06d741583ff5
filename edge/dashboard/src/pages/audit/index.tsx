import { useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { Download, SearchX } from 'lucide-react'
import { membersQuery } from '../../api/members'
import { useSession } from '../../api/session'
import { Button } from '../../ui/button'
import { Segmented } from '../../ui/choice'
import { DAY, HOUR, now, visible } from '../../ui/format'
import { ico, icoS } from '../../ui/icons'
import { FilterSelect } from '../../ui/select'
import { Page } from '../../ui/page'
import { Empty } from '../../ui/states'
import { called } from '../members/names'
import { AuditTable } from './table'

/** All entries as lines of JSON, oldest first, each with its place in the chain. */
const AUDIT_EXPORT = '/v1/console/audit-log:export'

/** What a change can be of, as the log names it. */
const RESOURCES = [
  { id: 'ANY', name: 'All resources' },
  { id: 'api_key', name: 'API keys' },
  { id: 'agent', name: 'Agents' },
  { id: 'member', name: 'Members' },
  { id: 'token', name: 'Access tokens' },
  { id: 'session', name: 'Sessions' },
  { id: 'contact_field', name: 'Contact fields' },
  { id: 'webhook', name: 'Webhooks' },
  { id: 'contact', name: 'Contacts' },
  { id: 'document_extraction', name: 'Documents' },
  { id: 'extraction_template', name: 'Extraction templates' },
  { id: 'organization', name: 'Organization' },
]
const PERIODS: [string, string][] = [
  ['24h', '24 h'],
  ['7d', '7 d'],
  ['30d', '30 d'],
  ['all', 'All'],
]
const LENGTHS: Record<string, number> = { '24h': 24 * HOUR, '7d': 7 * DAY, '30d': 30 * DAY }

type Search = { actor?: string; resource?: string; period?: string }

/** The beginning of a period, on a whole minute, so that the same list is not asked for under ever new names. */
function begin(period: string): string | undefined {
  const length = LENGTHS[period]
  if (!length) return undefined
  return new Date(Math.floor((now() - length) / 60_000) * 60_000).toISOString()
}

export function Audit() {
  const search = useSearch({ strict: false }) as Search
  const navigate = useNavigate()
  const isUser = useSession().member.role === 'USER'
  const members = useQuery({ ...membersQuery, enabled: !isUser }).data ?? []
  const { actor, resource, period = 'all' } = search
  const filter = { actor, resourceType: resource, from: begin(period) }
  const set = (change: Search) => navigate({ to: '/audit', search: { ...search, ...change } as never, replace: true })
  const clear = () => set({ actor: undefined, resource: undefined, period: undefined })
  const isFiltered = !!actor || !!resource || period !== 'all'
  const people = [
    { id: 'ANY', name: 'All users' },
    ...members.map(member => ({ id: member.id, name: visible(called(member)) })),
  ]
  return (
    <Page
      crumbs={[{ name: 'Audit log' }]}
      about={['Audit log']}
      title="Audit log"
      subtitle={
        isUser
          ? 'Every change that you made: what, when and from where.'
          : 'Every change in this organization: who, what, from where, before and after.'
      }
      actions={
        !isUser && (
          <a className="btn secondary" href={AUDIT_EXPORT} download="audit-log.ndjson">
            <Download {...icoS} />
            Export
          </a>
        )
      }
    >
      <div className="toolbar">
        {!isUser && <FilterSelect label="User" value={actor} onChange={actor => set({ actor })} items={people} />}
        <FilterSelect label="Resource" value={resource} onChange={resource => set({ resource })} items={RESOURCES} />
        <Segmented
          label="Period"
          value={period}
          onChange={id => set({ period: id === 'all' ? undefined : id })}
          items={PERIODS}
        />
      </div>
      <div className="card">
        <AuditTable filter={filter} empty={isFiltered ? <NothingMatches onClear={clear} /> : undefined} />
      </div>
    </Page>
  )
}

function NothingMatches({ onClear }: { onClear: () => void }) {
  return (
    <Empty
      icon={<SearchX {...ico} />}
      title="Nothing matches"
      action={<Button onPress={onClear}>Clear filters</Button>}
    >
      Try a longer period, or all resources.
    </Empty>
  )
}
