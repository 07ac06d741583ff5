import { useState } from 'react'
import { useQuery } from '@tanstack/react-query'
import { Link, useParams } from '@tanstack/react-router'
import { Pencil, Plus, Power, PowerOff, RefreshCw, Send, Trash2, Webhook as Icon } from 'lucide-react'
import * as A from 'react-aria-components'
import { agentsQuery } from '../../api/agents'
import { useCanWrite } from '../../api/session'
import { webhooksQuery, type Webhook } from '../../api/webhooks'
import { Button } from '../../ui/button'
import { ago, date, exact, visible } from '../../ui/format'
import { ico } from '../../ui/icons'
import { List } from '../../ui/list'
import { ActionsMenu, Item } from '../../ui/menu'
import { Page } from '../../ui/page'
import { Empty } from '../../ui/states'
import { ACTIONS } from '../../ui/table'
import { Status, Tag } from '../../ui/tag'
import { Text } from '../../ui/text'
import { useSwitch, WebhookDialogs, type Act } from './dialogs'
import { ALL_EVENTS, whyDisabled } from './words'

/** As many events of a webhook as a row names. */
const EVENTS_SHOWN = 2

/** Who is told what happens to the contacts, documents and keys of an agent. */
export function Webhooks() {
  const { agent: agentId } = useParams({ strict: false }) as { agent: string }
  const agent = useQuery(agentsQuery).data?.find(agent => agent.id === agentId)
  const webhooks = useQuery(webhooksQuery(agentId))
  const canWrite = useCanWrite()
  const [act, setAct] = useState<Act>(null)
  const add = canWrite && (
    <Button kind="primary" onPress={() => setAct({ kind: 'add' })}>
      <Plus {...ico} />
      Add a webhook
    </Button>
  )
  return (
    <Page
      crumbs={[{ name: agent ? <Text>{agent.name}</Text> : '…' }, { name: 'Channels & API' }, { name: 'Webhooks' }]}
      about={['Webhooks', agent && visible(agent.name)]}
      title="Webhooks"
      subtitle="Addresses that are told what happens to contacts, documents and API keys."
      actions={!!webhooks.data?.length && add}
    >
      <div className="card">
        <List
          of={webhooks}
          items={webhooks.data}
          what="Webhooks"
          columns={['Address', 'Events', 'Status', 'Created', canWrite && ACTIONS]}
          bones={[3, 70, 60, 40, 50, 30]}
          kind="tall"
          empty={
            <Empty icon={<Icon {...ico} />} title="No webhooks yet." action={add}>
              A webhook gets a signed message soon after something has happened, and again until it has arrived.
            </Empty>
          }
        >
          {webhook => <Row key={webhook.id} agentId={agentId} webhook={webhook} canWrite={canWrite} onAct={setAct} />}
        </List>
      </div>
      <WebhookDialogs agentId={agentId} act={act} onClose={() => setAct(null)} />
    </Page>
  )
}

function Row({
  agentId,
  webhook,
  canWrite,
  onAct,
}: {
  agentId: string
  webhook: Webhook
  canWrite: boolean
  onAct: (act: Act) => void
}) {
  return (
    <tr className={webhook.status === 'ACTIVE' ? undefined : 'dim'}>
      <td>
        <Link to="/agents/$agent/webhooks/$webhook" params={{ agent: agentId, webhook: webhook.id }} className="name">
          <Text clip>{webhook.url}</Text>
        </Link>
        {webhook.description && (
          <span className="sub">
            <Text clip>{webhook.description}</Text>
          </span>
        )}
      </td>
      <td>
        <Events events={webhook.events} />
      </td>
      <td>
        <WebhookStatus webhook={webhook} />
      </td>
      <td className="muted num nowrap" title={exact(webhook.createdAt)}>
        {date(webhook.createdAt)}
      </td>
      {canWrite && (
        <td>
          <div className="acts">
            <WebhookMenu agentId={agentId} webhook={webhook} onAct={onAct} />
          </div>
        </td>
      )}
    </tr>
  )
}

export function Events({ events, all }: { events: string[]; all?: boolean }) {
  if (!all && events.length === ALL_EVENTS.length) return <Tag mini>All events</Tag>
  const named = all ? events : events.slice(0, EVENTS_SHOWN)
  return (
    <span className="row tags">
      {named.map(event => (
        <Tag key={event} mini>
          {event}
        </Tag>
      ))}
      {events.length > named.length && <span className="small faint">and {events.length - named.length} more</span>}
    </span>
  )
}

export function WebhookStatus({ webhook }: { webhook: Webhook }) {
  if (webhook.status === 'DISABLED') {
    return (
      <span title={whyDisabled(webhook)}>
        <Status kind={webhook.disabledReason === 'BY_MEMBER' ? 'off' : 'bad'}>Disabled</Status>
      </span>
    )
  }
  if (!webhook.failingSince) return <Status kind="good">Active</Status>
  return (
    <span title={`No message has arrived since ${exact(webhook.failingSince)}`}>
      <Status kind="warn">Failing since {ago(webhook.failingSince).replace(' ago', '')}</Status>
    </span>
  )
}

export function WebhookMenu({
  agentId,
  webhook,
  onAct,
  isOfPage,
}: {
  agentId: string
  webhook: Webhook
  onAct: (act: Act) => void
  /** Beside the buttons of a page, not in a row. */
  isOfPage?: boolean
}) {
  const turn = useSwitch(agentId)
  const name = `Actions for ${visible(webhook.url)}`
  const isActive = webhook.status === 'ACTIVE'
  return (
    <ActionsMenu label={name} isOfPage={isOfPage}>
      <Item icon={<Pencil {...ico} />} onAction={() => onAct({ kind: 'edit', webhook })}>
        Edit
      </Item>
      <Item icon={<Send {...ico} />} onAction={() => onAct({ kind: 'test', webhook })}>
        Send a test
      </Item>
      <Item icon={<RefreshCw {...ico} />} onAction={() => onAct({ kind: 'rotate', webhook })}>
        Rotate secret
      </Item>
      <Item icon={isActive ? <PowerOff {...ico} /> : <Power {...ico} />} onAction={() => turn.mutate(webhook)}>
        {isActive ? 'Disable' : 'Enable'}
      </Item>
      <A.Separator />
      <Item danger icon={<Trash2 {...ico} />} onAction={() => onAct({ kind: 'delete', webhook })}>
        Delete
      </Item>
    </ActionsMenu>
  )
}
