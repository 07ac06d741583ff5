import { useState } from 'react'
import { useMutation } from '@tanstack/react-query'
import { rotateKey, type Key, type NewKey } from '../../api/keys'
import { RadioCards } from '../../ui/choice'
import { FormDialog } from '../../ui/dialog'
import { ago, HOUR, now } from '../../ui/format'
import { FormError, Notice } from '../../ui/states'
import { Text } from '../../ui/text'
import { Handover } from './handover'

/** How long the old secret goes on working, in seconds. */
const OVERLAPS: [string, string, string, string][] = [
  ['0', 'Now', 'For a leaked secret', ''],
  ['3600', 'In 1 hour', 'For one app', '1 hour'],
  ['86400', 'In 24 hours', 'For several apps', '24 hours'],
  ['604800', 'In 7 days', 'For partners', '7 days'],
]

export const wasUsedLately = (key: Key) => key.lastUsedAt !== null && now() - Date.parse(key.lastUsedAt) < HOUR

export function RotateKey({ apiKey, onClose, onSaved }: { apiKey: Key; onClose: () => void; onSaved: () => void }) {
  const [overlap, setOverlap] = useState('86400')
  const [made, setMade] = useState<NewKey | null>(null)
  const rotate = useMutation({
    mutationFn: () => rotateKey(apiKey, Number(overlap)),
    // The answer holds the secret: it stays in no cache.
    gcTime: 0,
    onSuccess: answer => {
      setMade(answer)
      onSaved()
      queueMicrotask(() => rotate.reset())
    },
  })
  if (made) {
    const lasts = OVERLAPS.find(([seconds]) => seconds === overlap)?.[3]
    const note = made.key.rotation && (
      <Notice>
        The old secret, ending in <code>{made.key.rotation.previousSecretLast4}</code>, works for {lasts} more. End it
        on the key’s page as soon as nothing uses it.
      </Notice>
    )
    return <Handover made={made} title="New secret" note={note} onDone={onClose} />
  }
  return (
    <FormDialog
      size="narrow"
      onClose={onClose}
      title="Rotate secret"
      subtitle={<Text>{apiKey.name}</Text>}
      action="Rotate secret"
      pending={rotate.isPending}
      onSend={() => rotate.mutate()}
    >
      <p className="muted">A new secret is made. The API key, its limits and its history stay the same.</p>
      <RadioCards
        label="The old secret stops working"
        value={overlap}
        onChange={setOverlap}
        columns={2}
        items={OVERLAPS.map(([seconds, name, use]) => [seconds, name, use])}
      />
      <LastUse apiKey={apiKey} isNow={overlap === '0'} />
      {apiKey.rotation && (
        <Notice kind="warn">A secret from the last rotation still works. Rotating again ends it at once.</Notice>
      )}
      <FormError error={rotate.error} />
    </FormDialog>
  )
}

function LastUse({ apiKey, isNow }: { apiKey: Key; isNow: boolean }) {
  const when = <b className="strong">{ago(apiKey.lastUsedAt).toLowerCase()}</b>
  if (isNow && wasUsedLately(apiKey)) {
    return (
      <Notice kind="warn" role="status">
        The current secret was used {when}. What uses it stops working at once.
      </Notice>
    )
  }
  return (
    <Notice role="status">
      The current secret, ending in <code>{apiKey.secretLast4}</code>,{' '}
      {apiKey.lastUsedAt ? <>was last used {when}.</> : 'was never used.'}
    </Notice>
  )
}
