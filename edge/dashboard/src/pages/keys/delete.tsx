import { useState } from 'react'
import { useMutation, useQuery } from '@tanstack/react-query'
import * as A from 'react-aria-components'
import { addressesQuery, deleteKey, type Key } from '../../api/keys'
import { FormDialog } from '../../ui/dialog'
import { TextField } from '../../ui/field'
import { ago, DAY, now } from '../../ui/format'
import { FormError, Notice } from '../../ui/states'
import { Text } from '../../ui/text'
import { useToast } from '../../ui/toast'

export function DeleteKey({
  apiKey,
  onClose,
  onDeleted,
  onRotate,
}: {
  apiKey: Key
  onClose: () => void
  onDeleted: () => void
  onRotate: () => void
}) {
  const say = useToast()
  const [typed, setTyped] = useState('')
  const isConfirmed = typed.trim() === apiKey.name
  const remove = useMutation({
    mutationFn: () => deleteKey(apiKey),
    onSuccess: () => {
      say('API key deleted successfully.')
      onClose()
      onDeleted()
    },
  })
  return (
    <FormDialog
      role="alertdialog"
      size="narrow"
      onClose={onClose}
      title={
        <>
          Delete “<Text>{apiKey.name}</Text>”?
        </>
      }
      action="Delete API key"
      danger
      isDisabled={!isConfirmed}
      pending={remove.isPending}
      onSend={() => remove.mutate()}
    >
      <p>The API key is permanently deleted. Any applications using this key will lose access.</p>
      <LastUse apiKey={apiKey} onRotate={onRotate} />
      <TextField
        label={
          <>
            Type{' '}
            <code className="strong">
              <Text>{apiKey.name}</Text>
            </code>{' '}
            to confirm
          </>
        }
        value={typed}
        onChange={setTyped}
        autoFocus
        inputProps={{ autoComplete: 'off', spellCheck: false }}
      />
      <FormError error={remove.error} />
    </FormDialog>
  )
}

function LastUse({ apiKey, onRotate }: { apiKey: Key; onRotate: () => void }) {
  const { data } = useQuery(addressesQuery(apiKey, 7))
  if (!apiKey.lastUsedAt) return <Notice>This key was never used.</Notice>
  const isBusy = now() - Date.parse(apiKey.lastUsedAt) < DAY
  const [latest] = [...(data ?? [])].sort((a, b) => b.lastSeenAt.localeCompare(a.lastSeenAt))
  return (
    <Notice kind={isBusy ? 'bad' : undefined}>
      Last used <b className="strong">{ago(apiKey.lastUsedAt).toLowerCase()}</b>
      {latest && (
        <>
          {' '}
          from <code>{latest.address}</code>
        </>
      )}
      . To replace it without an outage,{' '}
      <A.Button className="link" onPress={onRotate}>
        rotate it instead
      </A.Button>
      .
    </Notice>
  )
}
