import { useState } from 'react'
import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate, useParams, useSearch } from '@tanstack/react-router'
import { Send, Webhook as Icon } from 'lucide-react'
import { agentsQuery } from '../../api/agents'
import { wording } from '../../api/client'
import { useCanWrite } from '../../api/session'
import {
  deliveriesQuery,
  replay,
  webhookQuery,
  webhooksChanged,
  type Delivery,
  type DeliveryStatus,
  type Webhook,
} from '../../api/webhooks'
import { Button } from '../../ui/button'
import { Segmented } from '../../ui/choice'
import { CopyButton } from '../../ui/copy'
import { exact, now, stamp, until, visible } from '../../ui/format'
import { ico } from '../../ui/icons'
import { List } from '../../ui/list'
import { Older } from '../../ui/older'
import { One } from '../../ui/one'
import { Page } from '../../ui/page'
import { Notice } from '../../ui/states'
import { ACTIONS } from '../../ui/table'
import { Status } from '../../ui/tag'
import { Text } from '../../ui/text'
import { useToast } from '../../ui/toast'
import { useSwitch, WebhookDialogs, type Act } from './dialogs'
import { Events, WebhookMenu, WebhookStatus } from './list'
import { answer, whyDisabled } from './words'

export function WebhookPage() {
  const { agent: agentId, webhook: id } = useParams({ strict: false }) as { agent: string; webhook: string }
  const agent = useQuery(agentsQuery).data?.find(agent => agent.id === agentId)
  const query = useQuery(webhookQuery(agentId, id))
  const canWrite = useCanWrite()
  const go = useNavigate()
  const [act, setAct] = useState<Act>(null)
  const webhook = query.data
  const list = `/agents/${agentId}/webhooks`
  return (
    <Page
      crumbs={[
        { name: agent ? <Text>{agent.name}</Text> : '…' },
        { name: 'Channels & API' },
        { name: 'Webhooks', to: list },
        { name: webhook ? <Text clip>{hostOf(webhook.url)}</Text> : 'Webhook' },
      ]}
      about={[webhook ? hostOf(webhook.url) : 'Webhook', 'Webhooks']}
      title={webhook ? <Text clip>{hostOf(webhook.url)}</Text> : 'Webhook'}
      status={webhook && <WebhookStatus webhook={webhook} />}
      subtitle={webhook?.description ? <Text>{webhook.description}</Text> : undefined}
      actions={
        webhook &&
        canWrite && (
          <>
            <Button onPress={() => setAct({ kind: 'test', webhook })}>
              <Send {...ico} />
              Send a test
            </Button>
            <WebhookMenu agentId={agentId} webhook={webhook} onAct={setAct} isOfPage />
          </>
        )
      }
    >
      <One of={query} what="webhook" icon={<Icon {...ico} />} list={list}>
        {webhook => (
          <div className="stack">
            <Trouble agentId={agentId} webhook={webhook} canWrite={canWrite} />
            <Details webhook={webhook} />
            <Deliveries agentId={agentId} webhook={webhook} canWrite={canWrite} />
          </div>
        )}
      </One>
      <WebhookDialogs agentId={agentId} act={act} onClose={() => setAct(null)} onGone={() => go({ to: list })} />
    </Page>
  )
}

/** The part of an address that people know it by. */
function hostOf(url: string): string {
  try {
    return visible(new URL(url).host)
  } catch {
    return visible(url)
  }
}

function Trouble({ agentId, webhook, canWrite }: { agentId: string; webhook: Webhook; canWrite: boolean }) {
  const turn = useSwitch(agentId)
  if (webhook.status === 'DISABLED') {
    return (
      <Notice
        kind={webhook.disabledReason === 'BY_MEMBER' ? undefined : 'bad'}
        actions={
          canWrite && (
            <Button size="small" pending={turn.isPending} onPress={() => turn.mutate(webhook)}>
              Enable
            </Button>
          )
        }
      >
        {whyDisabled(webhook)} What happens meanwhile is not told later.
      </Notice>
    )
  }
  if (!webhook.failingSince) return null
  return (
    <Notice kind="warn">
      No message has arrived since {exact(webhook.failingSince)}. After five days without one the webhook is disabled.
    </Notice>
  )
}

function Details({ webhook }: { webhook: Webhook }) {
  const end = webhook.overlapEndsAt
  return (
    <section className="card" aria-labelledby="webhook-details">
      <div className="card-head">
        <h2 id="webhook-details">Details</h2>
      </div>
      <dl className="facts">
        <div>
          <dt>Address</dt>
          <dd>
            <span className="row">
              <code>
                <Text>{webhook.url}</Text>
              </code>
              <CopyButton text={webhook.url} label="Copy the address" toast="Address copied to clipboard" />
            </span>
          </dd>
        </div>
        <div>
          <dt>Events</dt>
          <dd>
            <Events events={webhook.events} all />
          </dd>
        </div>
        <div>
          <dt>Signing secret</dt>
          <dd>
            {end && Date.parse(end) > now()
              ? `Two sign messages: the older one stops in ${until(end)}`
              : 'Shown once, when it was made'}
          </dd>
        </div>
        <div>
          <dt>Created</dt>
          <dd>{exact(webhook.createdAt)}</dd>
        </div>
      </dl>
    </section>
  )
}

const FILTERS: [string, string][] = [
  ['ALL', 'All'],
  ['PENDING', 'Waiting'],
  ['DELIVERED', 'Delivered'],
  ['DEAD', 'Given up'],
]

function Deliveries({ agentId, webhook, canWrite }: { agentId: string; webhook: Webhook; canWrite: boolean }) {
  const { status } = useSearch({ strict: false }) as { status?: DeliveryStatus }
  const go = useNavigate()
  const list = useInfiniteQuery(deliveriesQuery(agentId, webhook.id, status))
  const items = list.data?.pages.flatMap(page => page.items)
  const narrow = (to: string) =>
    go({ to: '.', search: { status: to === 'ALL' ? undefined : (to as DeliveryStatus) } as never, replace: true })
  return (
    <section className="card" aria-labelledby="deliveries">
      <div className="card-head">
        <h2 id="deliveries">Deliveries</h2>
        <Segmented small label="Deliveries by status" value={status ?? 'ALL'} onChange={narrow} items={FILTERS} />
      </div>
      <List
        of={list}
        items={items}
        what="Deliveries"
        label="Deliveries, newest first"
        caption="Deliveries"
        columns={['Event', 'Status', 'Last answer', 'Attempts', 'Time', canWrite && ACTIONS]}
        bones={[4, 60, 50, 50, 30, 50, 40]}
        empty={
          <p className="pad faint line-above">
            {status ? 'None of this status.' : 'Nothing to tell yet.'} Those that have arrived are kept for some days.
          </p>
        }
        foot={<Older of={list} />}
      >
        {delivery => (
          <DeliveryRow key={delivery.id} agentId={agentId} webhook={webhook} delivery={delivery} canWrite={canWrite} />
        )}
      </List>
    </section>
  )
}

function DeliveryRow({
  agentId,
  webhook,
  delivery,
  canWrite,
}: {
  agentId: string
  webhook: Webhook
  delivery: Delivery
  canWrite: boolean
}) {
  const client = useQueryClient()
  const say = useToast()
  const again = useMutation({
    mutationFn: () => replay(agentId, webhook.id, delivery.id),
    onSuccess: () => say('The message is sent again.'),
    onError: error => say(wording(error), { bad: true }),
    onSettled: () => webhooksChanged(client, agentId),
  })
  return (
    <tr>
      <td>
        <code>{delivery.event}</code>
      </td>
      <td>
        <DeliveryState delivery={delivery} />
      </td>
      <td className="muted">{answer(delivery)}</td>
      <td className="num muted">{delivery.attempts}</td>
      <td className="muted num nowrap" title={exact(delivery.createdAt)}>
        {stamp(delivery.createdAt)}
      </td>
      {canWrite && (
        <td className="right">
          <Button
            kind="ghost"
            size="small"
            pending={again.isPending}
            isDisabled={webhook.status !== 'ACTIVE'}
            aria-label={`Send again: ${delivery.event} of ${exact(delivery.createdAt)}`}
            onPress={() => again.mutate()}
          >
            Send again
          </Button>
        </td>
      )}
    </tr>
  )
}

function DeliveryState({ delivery: { status, attempts, nextAttemptAt } }: { delivery: Delivery }) {
  if (status === 'DELIVERED') return <Status kind="good">Delivered</Status>
  if (status === 'DEAD') return <Status kind="bad">Given up</Status>
  const next = nextAttemptAt && Date.parse(nextAttemptAt) > now() ? `next in ${until(nextAttemptAt)}` : 'soon'
  return <Status kind={attempts ? 'warn' : 'off'}>Waiting, {next}</Status>
}
