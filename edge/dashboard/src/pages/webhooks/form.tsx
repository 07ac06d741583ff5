import { useRef, useState } from 'react'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import * as A from 'react-aria-components'
import { CircleAlert } from 'lucide-react'
import { faults, Refused } from '../../api/client'
import {
  createWebhook,
  updateWebhook,
  webhooksChanged,
  type NewWebhook,
  type Webhook,
  type WebhookSettings,
} from '../../api/webhooks'
import { Checkbox } from '../../ui/choice'
import { FormDialog } from '../../ui/dialog'
import { TextField } from '../../ui/field'
import { useErrors } from '../../ui/focus'
import { length } from '../../ui/format'
import { ico } from '../../ui/icons'
import { newIdempotencyKey } from '../../ui/idempotency'
import { FormError, Notice } from '../../ui/states'
import { useToast } from '../../ui/toast'
import { SecretShown } from './secret'
import { addressFault, EVENTS } from './words'

const DESCRIPTION_LENGTH = 500
type Errors = Record<string, string | undefined>

function problems({ url, events, description }: WebhookSettings): Errors {
  const errors: Errors = {}
  const fault = addressFault(url)
  if (fault) errors.url = fault
  if (events.length === 0) errors.events = 'Choose at least one event.'
  if (length(description) > DESCRIPTION_LENGTH) {
    errors.description = `A description has at most ${DESCRIPTION_LENGTH} characters.`
  }
  return errors
}

/** The events that are chosen, in the order in which they are offered. */
const inOrder = (events: string[]) => EVENTS.flatMap(([, of]) => of.map(([id]) => id)).filter(id => events.includes(id))

/** Makes a webhook, and shows its secret; or changes one. */
export function WebhookForm({
  agentId,
  webhook,
  onClose,
}: {
  agentId: string
  /** The webhook that is changed. */
  webhook?: Webhook
  onClose: () => void
}) {
  const client = useQueryClient()
  const say = useToast()
  const idempotencyKey = useRef(newIdempotencyKey())
  const [draft, setDraft] = useState<WebhookSettings>({
    url: webhook?.url ?? '',
    events: webhook?.events ?? [],
    description: webhook?.description ?? '',
  })
  const { form, errors, setErrors, refuse } = useErrors<Errors>()
  const [made, setMade] = useState<NewWebhook | null>(null)
  const settings: WebhookSettings = { ...draft, url: draft.url.trim(), events: inOrder(draft.events) }
  const save = useMutation({
    mutationFn: async () => {
      if (webhook) return void (await updateWebhook(agentId, webhook, settings))
      setMade(await createWebhook(agentId, settings, idempotencyKey.current))
    },
    // The answer to a creation holds the secret: it stays in no cache.
    gcTime: 0,
    onSuccess: () => {
      say(webhook ? 'Webhook updated.' : 'Webhook created.')
      if (webhook) onClose()
    },
    onError: error => {
      refuse(faults(error))
      // A refusal made nothing, so what is sent next is another request. Without an answer it is the same one, whose
      // repeat tells by a conflict that the webhook was made and its secret is lost.
      if (error instanceof Refused && error.status >= 400 && error.status < 500 && error.status !== 409) {
        idempotencyKey.current = newIdempotencyKey()
      }
    },
    onSettled: () => webhooksChanged(client, agentId),
  })
  const isStale = save.error instanceof Refused && save.error.code === 'precondition_failed'
  const set = (part: Partial<WebhookSettings>) => {
    const next = { ...draft, ...part }
    setDraft(next)
    if (Object.keys(errors).length) setErrors(problems(next))
  }
  const submit = () => {
    if (refuse(problems(settings))) return
    save.mutate()
  }
  if (made) return <SecretShown made={made} title="Webhook created" onDone={onClose} />
  return (
    <FormDialog
      onClose={onClose}
      title={webhook ? 'Edit webhook' : 'Add a webhook'}
      action={webhook ? 'Save changes' : 'Add webhook'}
      pending={save.isPending}
      isDisabled={isStale}
      formRef={form}
      onSend={submit}
    >
      {isStale && (
        <Notice kind="bad" role="alert">
          Somebody changed this webhook meanwhile. Your changes are not saved: close this and look at theirs.
        </Notice>
      )}
      <TextField
        label="Address"
        value={draft.url}
        onChange={url => set({ url })}
        error={errors.url}
        placeholder="https://example.com/keyward"
        help="Messages are sent there by POST, and signed. Redirects are not followed."
        autoFocus
        isRequired
        inputProps={{ autoComplete: 'off', spellCheck: false, inputMode: 'url' }}
      />
      <Events events={draft.events} onChange={events => set({ events })} error={errors.events} />
      <TextField
        label="Description"
        optional
        lines={2}
        value={draft.description}
        onChange={description => set({ description })}
        error={errors.description}
        count={[length(draft.description), DESCRIPTION_LENGTH]}
        placeholder="What receives it, and who looks after it"
      />
      {!isStale && <FormError error={save.error} />}
    </FormDialog>
  )
}

function Events({
  events,
  onChange,
  error,
}: {
  events: string[]
  onChange: (events: string[]) => void
  error?: string
}) {
  return (
    <div className="field" data-error={error ? true : undefined}>
      <span className="name">Events</span>
      {EVENTS.map(([group, of]) => {
        const ids = of.map(([id]) => id)
        return (
          <A.CheckboxGroup
            key={group}
            aria-label={group}
            className="event-group"
            value={events.filter(id => ids.includes(id))}
            onChange={chosen => onChange([...events.filter(id => !ids.includes(id)), ...chosen])}
          >
            <span className="small muted" aria-hidden>
              {group}
            </span>
            <div className="options">
              {of.map(([id, name]) => (
                <Checkbox key={id} value={id} title={name} />
              ))}
            </div>
          </A.CheckboxGroup>
        )
      })}
      {error && (
        <Notice kind="bad" icon={<CircleAlert {...ico} />} role="alert">
          {error}
        </Notice>
      )}
    </div>
  )
}
