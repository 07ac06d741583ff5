import { useRef, useState } from 'react'
import { Link } from '@tanstack/react-router'
import { useMutation } from '@tanstack/react-query'
import { Bot } from 'lucide-react'
import { useAgents } from '../../api/agents'
import { faults, Refused } from '../../api/client'
import { createKey, type Key, type NewKey } from '../../api/keys'
import { useSession } from '../../api/session'
import { Button } from '../../ui/button'
import { Dialog, FormDialog } from '../../ui/dialog'
import { date } from '../../ui/format'
import { useErrors } from '../../ui/focus'
import { ico } from '../../ui/icons'
import { newIdempotencyKey } from '../../ui/idempotency'
import { parse } from '../../ui/ip'
import { Sentence } from '../../ui/scopes'
import { Empty, FormError, Notice } from '../../ui/states'
import { useToast } from '../../ui/toast'
import { blank, copyOf, lastDay, limits, NO_PERMISSION, problems, settings, type Draft, type Errors } from './draft'
import { Advanced, Basics, Permissions } from './fields'
import { Handover } from './handover'

/** What was typed and not yet sent: kept while the page stays open. */
export type Kept = { draft: Draft; step: 1 | 2; agent?: string } | null

export function AddKey({
  agentId,
  original,
  kept,
  onKeep,
  onClose,
  onSaved,
}: {
  /** The agent, where it is fixed. */
  agentId?: string
  /** The key that is duplicated. */
  original?: Key
  kept: Kept
  onKeep: (kept: Kept) => void
  onClose: () => void
  onSaved: () => void
}) {
  const agents = useAgents()
  const { maxRateLimits: maxima } = useSession()
  const say = useToast()
  const idempotencyKey = useRef(newIdempotencyKey())
  const [step, setStep] = useState<1 | 2>(kept?.step ?? 1)
  const [draft, setDraft] = useState<Draft>(() => kept?.draft ?? (original ? copyOf(original) : blank(maxima)))
  const [chosen, setChosen] = useState(agentId ?? kept?.agent ?? agents[0]?.id)
  const { form, errors, setErrors, ...show } = useErrors<Errors>()
  const [made, setMade] = useState<NewKey | null>(null)
  const agent = agents.find(({ id }) => id === chosen)
  const refuse = (found: Errors) => {
    // A fault of the first step is mended there.
    if (Object.keys(found).some(name => name !== 'permissions')) setStep(1)
    return show.refuse(found)
  }
  const create = useMutation({
    mutationFn: () => createKey(agent!.id, settings(draft), idempotencyKey.current),
    // The answer holds the secret: it stays in no cache.
    gcTime: 0,
    onSuccess: answer => {
      setMade(answer)
      onKeep(null)
      say('API key created successfully.')
      onSaved()
      queueMicrotask(() => create.reset())
    },
    onError: error => {
      refuse(faults(error))
      // A refusal made nothing, so what is sent next is another request. Without an answer it is the same one.
      if (error instanceof Refused && error.status >= 400 && error.status < 500 && error.status !== 409) {
        idempotencyKey.current = newIdempotencyKey()
      }
    },
  })
  const isLost = create.error instanceof Refused && create.error.code === 'conflict'

  const set = (part: Partial<Draft>) => {
    const next = { ...draft, ...part }
    setDraft(next)
    // Errors that are shown follow what is typed.
    if (Object.keys(errors).length) setErrors(problems(next, maxima))
  }
  const submit = () => {
    if (step === 1) {
      if (refuse(problems(draft, maxima))) return
      setErrors({})
      return setStep(2)
    }
    if (draft.permissions.length === 0) return refuse({ permissions: NO_PERMISSION })
    create.mutate()
  }
  const close = () => {
    if (!original) onKeep({ draft, step, agent: chosen })
    onClose()
  }

  if (made) return <Handover made={made} title="API key created" onDone={onClose} />
  if (!agent) return <NoAgent onClose={onClose} />
  const last = lastDay(draft)
  const back = (
    <div className="grow">
      <Button kind="ghost" onPress={() => setStep(1)}>
        Back
      </Button>
    </div>
  )
  return (
    <FormDialog
      onClose={close}
      title="Add API Key"
      steps={[step, 2]}
      subtitle={step === 1 ? 'Step 1 of 2 — Enter basic information' : 'Step 2 of 2 — Configure permissions'}
      action={step === 1 ? 'Next' : 'Give Access'}
      pending={create.isPending}
      cancel={step === 2 ? back : undefined}
      step={step}
      formRef={form}
      onSend={submit}
    >
      {step === 1 ? (
        <>
          <Basics
            draft={draft}
            set={set}
            errors={errors}
            agent={agent}
            agents={agentId ? undefined : agents}
            onAgent={setChosen}
          />
          <Advanced draft={draft} set={set} errors={errors} />
        </>
      ) : (
        <>
          <Permissions
            permissions={draft.permissions}
            set={permissions => set({ permissions })}
            error={errors.permissions}
          />
          <Sentence
            name={draft.name}
            agent={agent.name}
            permissions={draft.permissions}
            addresses={parse(draft.addresses).length}
            limits={limits(draft)}
            expires={last && date(last)}
          />
          {isLost ? (
            <Notice kind="warn" role="alert">
              The key was created but its secret did not arrive. Rotate it to get one.
            </Notice>
          ) : (
            <FormError error={create.error} />
          )}
        </>
      )}
    </FormDialog>
  )
}

function NoAgent({ onClose }: { onClose: () => void }) {
  return (
    <Dialog open onClose={onClose} title="Add API Key">
      <Empty
        icon={<Bot {...ico} />}
        title="Create an agent first"
        action={
          <Link to="/agents" search={{ create: true }} className="btn primary">
            Create an agent
          </Link>
        }
      >
        A key acts on one agent, which holds contacts and documents.
      </Empty>
    </Dialog>
  )
}
