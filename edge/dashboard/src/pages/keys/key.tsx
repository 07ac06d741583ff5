import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import * as A from 'react-aria-components'
import { KeyRound, Pencil, RotateCw } from 'lucide-react'
import { useState, type ReactNode } from 'react'
import { deletionOf } from '../../api/audit'
import { isNotFound, wording } from '../../api/client'
import { endOverlap, keyQuery, keysChanged, type Key } from '../../api/keys'
import { useAgents } from '../../api/agents'
import { useCanWrite } from '../../api/session'
import type { KeyTab } from '../../router'
import { Button } from '../../ui/button'
import { CopyButton } from '../../ui/copy'
import { ConfirmDialog } from '../../ui/dialog'
import { regainFocus } from '../../ui/focus'
import { ago, exact, HOUR, now, until, visible } from '../../ui/format'
import { ico, icoS } from '../../ui/icons'
import { DesktopOnly, Page, type Crumb } from '../../ui/page'
import { KeyStatus } from '../../ui/scopes'
import { Empty, Failed, Notice, useLate } from '../../ui/states'
import { Text } from '../../ui/text'
import { useToast } from '../../ui/toast'
import { AuditTable } from '../audit/table'
import { KeyDialogs, KeyMenu, useKeyActions } from './actions'
import { Overview } from './overview'
import { Requests } from './requests'

export function KeyPage() {
  return (
    <DesktopOnly>
      <Loaded />
    </DesktopOnly>
  )
}

function Loaded() {
  const { agent: agentId, key: id } = useParams({ from: '/shell/agents/$agent/api-permissions/$key' })
  const { data: key, error, isPending, refetch } = useQuery(keyQuery(agentId, id))
  const agent = useAgents().find(each => each.id === agentId)
  const isLate = useLate(isPending)
  const crumbs: Crumb[] = [
    { name: agent ? <Text>{agent.name}</Text> : '…' },
    { name: 'API Permissions', to: `/agents/${agentId}/api-permissions` },
    { name: key ? <Text>{key.name}</Text> : '…' },
  ]
  const isGone = isNotFound(error)
  // What was there stays while it is asked for again and fails, but for a key that is gone.
  if (key && !isGone) return <Shown key={id} apiKey={key} crumbs={crumbs} />
  return (
    <Page crumbs={crumbs} about={['API Permissions']} title={isLate ? <Bone /> : 'API key'}>
      <div className="card tall">
        {isGone && <Gone agentId={agentId} id={id} />}
        {error && !isGone && <Failed what="This API key" error={error} onRetry={() => refetch()} />}
      </div>
    </Page>
  )
}

const Bone = () => <span className="bone title" aria-hidden />

/** The key is not there: who deleted it, where the audit log says so. */
function Gone({ agentId, id }: { agentId: string; id: string }) {
  const { data: deletion } = useQuery({ queryKey: ['audit', 'deletion', id], queryFn: () => deletionOf(id) })
  const back = (
    <Link to="/agents/$agent/api-permissions" params={{ agent: agentId }} className="btn secondary">
      All API keys
    </Link>
  )
  if (!deletion) {
    return (
      <Empty icon={<KeyRound {...ico} />} title="There is no such API key" action={back}>
        The link may be old, or the key was deleted.
      </Empty>
    )
  }
  return (
    <>
      <Empty icon={<KeyRound {...ico} />} title="This API key was deleted" action={back}>
        This API key was deleted by <Text>{deletion.actor.name}</Text>, {exact(deletion.at)}.
      </Empty>
      <AuditTable filter={{ resourceId: id }} label="Audit log of this key" />
    </>
  )
}

function Shown({ apiKey: key, crumbs }: { apiKey: Key; crumbs: Crumb[] }) {
  const canWrite = useCanWrite()
  const go = useNavigate()
  const on = useKeyActions()
  const { tab: asked } = useSearch({ from: '/shell/agents/$agent/api-permissions/$key' })
  // The request log is for those who manage keys.
  const tab = asked === 'requests' && !canWrite ? undefined : asked
  const choose = (id: string) =>
    go({ to: '.', search: { tab: id === 'overview' ? undefined : (id as KeyTab) }, replace: true })
  const toList = () => go({ to: '/agents/$agent/api-permissions', params: { agent: key.agent.id } })
  return (
    <Page
      crumbs={crumbs}
      about={[visible(key.name), 'API Permissions']}
      title={<Text>{key.name}</Text>}
      status={<KeyStatus apiKey={key} />}
      subtitle={
        <span className="row key-line">
          <code>{key.apiKey}</code>
          <CopyButton text={key.apiKey} label="Copy API Key" toast="API key copied to clipboard" />
          {key.description && <Text clip>{key.description}</Text>}
        </span>
      }
      actions={
        canWrite && (
          <>
            <Button onPress={() => on.open({ kind: 'edit', key })}>
              <Pencil {...icoS} />
              Edit
            </Button>
            <Button onPress={() => on.open({ kind: 'rotate', key })}>
              <RotateCw {...icoS} />
              Rotate
            </Button>
            <KeyMenu apiKey={key} on={on} onPage />
          </>
        )
      }
    >
      {key.rotation && <Overlap apiKey={key} canWrite={canWrite} />}
      <A.Tabs selectedKey={tab ?? 'overview'} onSelectionChange={id => choose(String(id))}>
        <A.TabList aria-label="About this key" className="tabs-list">
          <A.Tab id="overview" className="tab">
            Overview
          </A.Tab>
          {canWrite && (
            <A.Tab id="requests" className="tab">
              Requests
            </A.Tab>
          )}
          <A.Tab id="audit" className="tab">
            Audit
          </A.Tab>
        </A.TabList>
        <Panel id="overview">
          <Overview apiKey={key} />
        </Panel>
        {canWrite && (
          <Panel id="requests">
            <Requests apiKey={key} />
          </Panel>
        )}
        <Panel id="audit">
          <div className="card">
            <AuditTable filter={{ resourceId: key.id }} label="Audit log of this key" />
          </div>
        </Panel>
      </A.Tabs>
      <KeyDialogs on={on} onGone={toList} />
    </Page>
  )
}

const Panel = ({ id, children }: { id: string; children: ReactNode }) => (
  <A.TabPanel id={id} className="tab-panel">
    {children}
  </A.TabPanel>
)

/** Two secrets work. Ending the older one asks first where something used it in the last hour. */
function Overlap({ apiKey: key, canWrite }: { apiKey: Key; canWrite: boolean }) {
  const client = useQueryClient()
  const say = useToast()
  const [isAsking, setAsking] = useState(false)
  const { previousSecretLast4, previousLastUsedAt, overlapEndsAt } = key.rotation!
  const end = useMutation({
    mutationFn: () => endOverlap(key),
    onSuccess: () => {
      setAsking(false)
      say('The old secret no longer works.')
      // The notice that offered it is gone.
      return keysChanged(client).then(() => regainFocus())
    },
    onError: error => say(wording(error), { bad: true }),
  })
  const isBusy = previousLastUsedAt !== null && now() - Date.parse(previousLastUsedAt) < HOUR
  const used = previousLastUsedAt ? (
    <>
      was last used <b className="strong">{ago(previousLastUsedAt).toLowerCase()}</b>
    </>
  ) : (
    'was not used'
  )
  return (
    <div className="notices">
      <Notice
        icon={<RotateCw {...ico} />}
        actions={
          canWrite && (
            <Button size="small" pending={end.isPending} onPress={() => (isBusy ? setAsking(true) : end.mutate())}>
              End now
            </Button>
          )
        }
      >
        Two secrets work. The old one, ending in <code>{previousSecretLast4}</code>, {used} and stops working in{' '}
        <b className="strong">{until(overlapEndsAt)}</b>.
      </Notice>
      {isAsking && (
        <ConfirmDialog
          onClose={() => setAsking(false)}
          title="End the old secret now?"
          action="End now"
          pending={end.isPending}
          onSend={() => end.mutate()}
        >
          <p>
            The secret ending in <code>{previousSecretLast4}</code> {used}. What still uses it is refused at once.
          </p>
        </ConfirmDialog>
      )}
    </div>
  )
}
