import { useState } from 'react'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useAgents } from '../../api/agents'
import { lastChangeOf } from '../../api/audit'
import { faults, Refused } from '../../api/client'
import { addressesQuery, keyQuery, updateKey, type Key } from '../../api/keys'
import { useSession } from '../../api/session'
import { Button } from '../../ui/button'
import { FormDialog } from '../../ui/dialog'
import { useErrors } from '../../ui/focus'
import { ago, date, num } from '../../ui/format'
import { covers, parse } from '../../ui/ip'
import { Sentence } from '../../ui/scopes'
import { FormError, Notice } from '../../ui/states'
import { Text } from '../../ui/text'
import { useToast } from '../../ui/toast'
import { changes, draftOf, lastDay, lastDayOf, limits, NO_PERMISSION, problems, type Draft, type Errors } from './draft'
import { Advanced, Basics, Permissions } from './fields'

/** How many days back the addresses of a key are looked at. */
const DAYS = 7

export function EditKey({ apiKey, onClose, onSaved }: { apiKey: Key; onClose: () => void; onSaved: () => void }) {
  const say = useToast()
  const client = useQueryClient()
  const { maxRateLimits: maxima } = useSession()
  const agents = useAgents()
  // The key as it was when the form was filled: what others change meanwhile must not slip in.
  const [base, setBase] = useState(apiKey)
  const [draft, setDraft] = useState<Draft>(() => draftOf(apiKey))
  const { form, errors, setErrors, refuse } = useErrors<Errors>()
  const check = (of: Draft): Errors => ({
    ...problems(of, maxima, base.expiresAt ? lastDayOf(base.expiresAt) : undefined),
    ...(of.permissions.length === 0 ? { permissions: NO_PERMISSION } : {}),
  })
  const changed = changes(draft, base)
  const isDirty = Object.keys(changed).length > 0
  const save = useMutation({
    mutationFn: () => updateKey(base, changed),
    onSuccess: () => {
      say('API key updated successfully.')
      onSaved()
      onClose()
    },
    onError: error => refuse(faults(error)),
  })
  const isStale = save.error instanceof Refused && save.error.code === 'precondition_failed'
  const startAgain = async () => {
    const theirs = await client.fetchQuery({ ...keyQuery(base.agent.id, base.id), staleTime: 0 })
    setBase(theirs)
    setDraft(draftOf(theirs))
    setErrors({})
    save.reset()
    onSaved()
  }

  const set = (part: Partial<Draft>) => {
    const next = { ...draft, ...part }
    setDraft(next)
    if (Object.keys(errors).length) setErrors(check(next))
  }
  const submit = () => {
    if (refuse(check(draft))) return
    save.mutate()
  }
  const agent = agents.find(({ id }) => id === base.agent.id)
  const last = lastDay(draft)
  const addresses = parse(draft.addresses)
  return (
    <FormDialog
      size="wide"
      onClose={onClose}
      title="Edit API Key"
      subtitle={<code>{base.apiKey}</code>}
      action="Save changes"
      pending={save.isPending}
      isDisabled={!isDirty}
      note={
        <div className="grow small muted">{isDirty ? 'Takes effect at once, everywhere.' : 'Nothing changed yet.'}</div>
      }
      formRef={form}
      onSend={submit}
    >
      {isStale && <ChangedByOther apiKey={base} onStartAgain={startAgain} />}
      <Basics
        draft={draft}
        set={set}
        errors={errors}
        agent={agent ?? { ...base.agent, mode: modeOf(base), createdAt: '', updatedAt: '' }}
      />
      {changed.allowedIps && <CutOff apiKey={base} allowed={changed.allowedIps} />}
      <Permissions
        permissions={draft.permissions}
        set={permissions => set({ permissions })}
        error={errors.permissions}
      />
      <Advanced draft={draft} set={set} errors={errors} open />
      <Sentence
        name={draft.name}
        agent={base.agent.name}
        permissions={draft.permissions}
        addresses={addresses.length}
        limits={limits(draft)}
        expires={last && date(last)}
      />
      {!isStale && <FormError error={save.error} />}
    </FormDialog>
  )
}

const modeOf = (key: Key) => (key.apiKey.startsWith('kw_test_') ? 'TEST' : 'LIVE')

/** Addresses that used the key lately and would be refused from now on. */
function CutOff({ apiKey, allowed }: { apiKey: Key; allowed: string[] }) {
  const { data } = useQuery(addressesQuery(apiKey, DAYS))
  const cut = (data ?? []).filter(({ address }) => covers(apiKey.allowedIps, address) && !covers(allowed, address))
  if (cut.length === 0) return null
  const words = cut.length === 1 ? 'One address that' : `${cut.length} addresses that`
  return (
    <Notice kind="warn" role="status">
      <span className="strong">
        {words} used this key in the last {DAYS} days would be refused:
      </span>
      <ul>
        {cut.map(({ address, requests, lastSeenAt }) => (
          <li key={address}>
            <code>{address}</code>{' '}
            <span className="muted">
              {num(requests)} {requests === 1 ? 'request' : 'requests'}, last {ago(lastSeenAt).toLowerCase()}
            </span>
          </li>
        ))}
      </ul>
    </Notice>
  )
}

/** Somebody else has changed the key since the form was filled: who, where the audit log says so. */
function ChangedByOther({ apiKey, onStartAgain }: { apiKey: Key; onStartAgain: () => void }) {
  const { data: last } = useQuery({
    queryKey: ['audit', 'last', apiKey.id, apiKey.version],
    queryFn: () => lastChangeOf(apiKey.id),
    staleTime: 0,
  })
  return (
    <Notice
      kind="bad"
      role="alert"
      actions={
        <Button size="small" onPress={onStartAgain}>
          Start again from theirs
        </Button>
      }
    >
      <b className="strong">
        {last ? (
          <>
            <Text>{last.actor.name}</Text> changed this key {ago(last.at).toLowerCase()}.
          </>
        ) : (
          'Somebody changed this key meanwhile.'
        )}
      </b>{' '}
      Your changes are not saved.
    </Notice>
  )
}
