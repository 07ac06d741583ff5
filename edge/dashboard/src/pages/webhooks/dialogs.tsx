import { useState } from 'react'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { wording } from '../../api/client'
import {
  deleteWebhook,
  rotateSecret,
  testWebhook,
  updateWebhook,
  webhookDeleted,
  webhooksChanged,
  type NewWebhook,
  type Webhook,
} from '../../api/webhooks'
import { RadioCards } from '../../ui/choice'
import { DeleteDialog } from '../../ui/delete'
import { FormDialog } from '../../ui/dialog'
import { regainFocus } from '../../ui/focus'
import { HOUR, now } from '../../ui/format'
import { FormError, Notice } from '../../ui/states'
import { Text } from '../../ui/text'
import { useToast } from '../../ui/toast'
import { WebhookForm } from './form'
import { SecretShown } from './secret'
import { tested } from './words'

export type Act = { kind: 'add' } | { kind: 'edit' | 'test' | 'rotate' | 'delete'; webhook: Webhook } | null

/** The dialog that is open, if any. */
export function WebhookDialogs({
  agentId,
  act,
  onClose,
  onGone,
}: {
  agentId: string
  act: Act
  onClose: () => void
  onGone?: () => Promise<void>
}) {
  if (!act) return null
  if (act.kind === 'add') return <WebhookForm agentId={agentId} onClose={onClose} />
  const props = { agentId, webhook: act.webhook, onClose }
  switch (act.kind) {
    case 'edit':
      return <WebhookForm {...props} />
    case 'test':
      return <TestWebhook {...props} />
    case 'rotate':
      return <RotateSecret {...props} />
    case 'delete':
      return <DeleteWebhook {...props} onGone={onGone} />
  }
}

/** Turns a webhook on or off at once, and says so. */
export function useSwitch(agentId: string) {
  const client = useQueryClient()
  const say = useToast()
  return useMutation({
    mutationFn: (webhook: Webhook) =>
      updateWebhook(agentId, webhook, { status: webhook.status === 'ACTIVE' ? 'DISABLED' : 'ACTIVE' }),
    onSuccess: ({ status }) => say(status === 'ACTIVE' ? 'Webhook enabled.' : 'Webhook disabled.'),
    onError: error => say(wording(error), { bad: true }),
    // The notice that offered it is gone.
    onSettled: () => webhooksChanged(client, agentId).then(() => regainFocus()),
  })
}

type Props = { agentId: string; webhook: Webhook; onClose: () => void }

function TestWebhook({ agentId, webhook, onClose }: Props) {
  const test = useMutation({ mutationFn: () => testWebhook(agentId, webhook.id) })
  return (
    <FormDialog
      size="narrow"
      onClose={onClose}
      title="Send a test message"
      action="Send"
      pending={test.isPending}
      onSend={() => test.mutate()}
      outcome={
        test.isSuccess && (
          <Notice kind={test.data.delivered ? 'good' : 'bad'} role="status">
            {tested(test.data)}
          </Notice>
        )
      }
    >
      <FormError error={test.error} />
      <p>
        One message of the type <code>webhook.test</code> goes to <Text>{webhook.url}</Text> now, signed as all are. It
        is not sent again and not among the deliveries.
      </p>
    </FormDialog>
  )
}

const OVERLAPS: [string, string][] = [
  ['0', 'Now'],
  [String(HOUR / 1000), 'In 1 hour'],
  [String((24 * HOUR) / 1000), 'In 24 hours'],
  [String((7 * 24 * HOUR) / 1000), 'In 7 days'],
]

function RotateSecret({ agentId, webhook, onClose }: Props) {
  const client = useQueryClient()
  const say = useToast()
  const [overlap, setOverlap] = useState(OVERLAPS[2][0])
  const [made, setMade] = useState<NewWebhook | null>(null)
  const rotate = useMutation({
    mutationFn: async () => setMade(await rotateSecret(agentId, webhook.id, Number(overlap))),
    gcTime: 0,
    onSuccess: () => say('Webhook secret rotated.'),
    onSettled: () => webhooksChanged(client, agentId),
  })
  if (made) return <SecretShown made={made} title="New signing secret" onDone={onClose} />
  const isRunning = !!webhook.overlapEndsAt && Date.parse(webhook.overlapEndsAt) > now()
  return (
    <FormDialog
      size="narrow"
      onClose={onClose}
      title="Rotate the signing secret"
      action="Rotate secret"
      pending={rotate.isPending}
      onSend={() => rotate.mutate()}
    >
      <FormError error={rotate.error} />
      <RadioCards label="The old secret stops signing" value={overlap} onChange={setOverlap} items={OVERLAPS} />
      <p className="muted">
        Until then messages carry two signatures, so that the receiver can change its secret without a gap.
      </p>
      {isRunning && <Notice kind="warn">Two secrets sign already. Rotating again ends the older one at once.</Notice>}
    </FormDialog>
  )
}

function DeleteWebhook({ agentId, webhook, onClose, onGone }: Props & { onGone?: () => Promise<void> }) {
  const client = useQueryClient()
  return (
    <DeleteDialog
      title="Delete this webhook?"
      action="Delete webhook"
      toast="Webhook deleted."
      remove={() => deleteWebhook(agentId, webhook.id)}
      refresh={() => webhookDeleted(client, agentId, webhook.id)}
      onClose={onClose}
      onGone={onGone}
    >
      <p className="breaks">
        <Text>{webhook.url}</Text> is told nothing any more, and its deliveries are deleted. A message that is under way
        may still arrive.
      </p>
    </DeleteDialog>
  )
}
