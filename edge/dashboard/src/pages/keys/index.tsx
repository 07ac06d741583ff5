import { useNavigate, useParams, useSearch } from '@tanstack/react-router'
import { useInfiniteQuery } from '@tanstack/react-query'
import { KeyRound, Plus, SearchX } from 'lucide-react'
import { useAgents } from '../../api/agents'
import { keysQuery, type Filter, type Key } from '../../api/keys'
import { useCanWrite } from '../../api/session'
import type { KeysSearch } from '../../router'
import { Button } from '../../ui/button'
import { Switch } from '../../ui/choice'
import { ico } from '../../ui/icons'
import { Older } from '../../ui/older'
import { DesktopOnly, Page } from '../../ui/page'
import { SearchBox } from '../../ui/search-box'
import { FilterSelect } from '../../ui/select'
import { Empty, Failed, Notice } from '../../ui/states'
import { visible } from '../../ui/format'
import { Text } from '../../ui/text'
import { KeyDialogs, useKeyActions } from './actions'
import { KeysTable } from './table'
import { Notices } from './notices'
import { Practices } from './practices'

/** Keys that nothing has used for this long are shown as unused, in days. */
const UNUSED_DAYS = 30

/** The keys of one agent. */
export function AgentKeys() {
  const { agent } = useParams({ from: '/shell/agents/$agent/api-permissions' })
  return (
    <DesktopOnly>
      <Keys key={agent} agentId={agent} />
    </DesktopOnly>
  )
}

/** The keys of all agents. */
export function AllKeys() {
  return (
    <DesktopOnly>
      <Keys />
    </DesktopOnly>
  )
}

function Keys({ agentId }: { agentId?: string }) {
  const agents = useAgents()
  const canWrite = useCanWrite()
  const go = useNavigate()
  const search: KeysSearch = useSearch({ strict: false })
  const narrow = (part: KeysSearch) =>
    go({ to: '.', search: (before: KeysSearch) => ({ ...before, ...part }), replace: true })
  const on = useKeyActions()

  const ofAgent = agentId ?? search.agent
  const filter: Filter = {
    agentId: ofAgent,
    search: search.q,
    status: search.status,
    unusedDays: search.unused ? UNUSED_DAYS : undefined,
  }
  const isFiltered = Boolean(search.q || search.status || search.unused || search.agent)
  const list = useInfiniteQuery(keysQuery(filter))
  const all = useInfiniteQuery(keysQuery({ agentId }))
  const idle = useInfiniteQuery({
    ...keysQuery({ agentId, status: 'ACTIVE', unusedDays: UNUSED_DAYS }),
    enabled: !search.unused,
  })
  const keys = list.data?.pages.flatMap(page => page.items)
  const hasNone = all.data?.pages.every(page => page.items.length === 0)

  const agent = agents.find(({ id }) => id === agentId)
  const name = agent ? <Text>{agent.name}</Text> : '…'
  const crumbs = agentId
    ? [{ name }, { name: 'Channels & API' }, { name: 'API Permissions' }]
    : [{ name: 'Settings' }, { name: 'API Permissions' }]
  const about = ['API Permissions', agentId ? visible(agent?.name ?? '') : 'Settings']
  // After the set-up there is nothing to do but this.
  const add = (isFirst?: boolean) => (
    <Button kind="primary" autoFocus={isFirst} onPress={() => on.open({ kind: 'add' })}>
      <Plus {...ico} />
      Add API Key
    </Button>
  )
  const clear = () => narrow({ q: undefined, status: undefined, unused: undefined, agent: undefined })
  return (
    <Page
      crumbs={crumbs}
      about={about}
      title="API Permission"
      subtitle="Manage API keys and their permissions for external integrations."
      actions={canWrite && add()}
    >
      {canWrite && <Notices agentId={agentId} on={on} />}
      {!canWrite && (
        <div className="notices">
          <Notice>You can look at API keys. Only an owner or an admin can create or change them.</Notice>
        </div>
      )}
      <div className="with-aside">
        <div>
          {!hasNone && (
            <div className="toolbar">
              <SearchBox
                label="Search API keys"
                placeholder="Search by name or key"
                value={search.q ?? ''}
                onChange={q => narrow({ q: q || undefined })}
              />
              <FilterSelect
                label="Status"
                value={search.status}
                onChange={status => narrow({ status })}
                items={[
                  { id: 'ANY', name: 'All statuses' },
                  { id: 'ACTIVE', name: 'Active' },
                  { id: 'DISABLED', name: 'Disabled' },
                  { id: 'EXPIRED', name: 'Expired' },
                ]}
              />
              {!agentId && (
                <FilterSelect
                  label="Agent"
                  value={search.agent}
                  onChange={agent => narrow({ agent })}
                  items={[
                    { id: 'ANY', name: 'All agents' },
                    ...agents.map(({ id, name: of }) => ({ id, name: <Text>{of}</Text>, text: of })),
                  ]}
                />
              )}
              <Switch isSelected={search.unused === true} onChange={is => narrow({ unused: is || undefined })}>
                Unused for 30 days
              </Switch>
              <span className="count num" role="status">
                {keys ? count(keys, list.hasNextPage) : ''}
              </span>
            </div>
          )}
          <div className="card">
            {list.isError && !keys ? (
              <Failed what="API keys" error={list.error} onRetry={() => list.refetch()} />
            ) : hasNone && keys?.length === 0 ? (
              <Empty icon={<KeyRound {...ico} />} title="No API keys yet." action={canWrite && add(true)}>
                {canWrite
                  ? 'Add a key for each app, workflow tool or backend service, with only the permissions it needs.'
                  : 'An owner or an admin can add the first one.'}
              </Empty>
            ) : keys?.length === 0 && isFiltered ? (
              <Empty
                icon={<SearchX {...ico} />}
                title="No key matches"
                action={<Button onPress={clear}>Clear filters</Button>}
              >
                Try another name, or look at all statuses.
              </Empty>
            ) : (
              <KeysTable keys={keys} isOfOneAgent={agentId !== undefined} agentName={agent?.name} on={on} />
            )}
            {list.hasNextPage && <Older of={list} />}
          </div>
        </div>
        <Practices
          unused={
            search.unused || !idle.data
              ? null
              : count(
                  idle.data.pages.flatMap(page => page.items),
                  idle.hasNextPage,
                  false,
                )
          }
          onShow={() => narrow({ unused: true, status: 'ACTIVE' })}
        />
      </div>
      <KeyDialogs on={on} agentId={agentId} />
    </Page>
  )
}

/** "9 keys", or "20+ keys" where there are more than have been loaded. */
function count(keys: Key[], hasMore: boolean, withNoun = true): string {
  const number = `${keys.length}${hasMore ? '+' : ''}`
  if (!withNoun) return keys.length === 0 ? '' : number
  return `${number} ${number === '1' ? 'key' : 'keys'}`
}
