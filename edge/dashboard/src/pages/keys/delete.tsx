import { useQuery, useQueryClient } from '@tanstack/react-query'
import * as A from 'react-aria-components'
import { addressesQuery, deleteKey, keyDeleted, type Key } from '../../api/keys'
import { DeleteDialog } from '../../ui/delete'
import { ago, DAY, now } from '../../ui/format'
import { Notice } from '../../ui/states'

export function DeleteKey({
  apiKey,
  onClose,
  onGone,
  onRotate,
}: {
  apiKey: Key
  onClose: () => void
  onGone?: () => Promise<void>
  onRotate: () => void
}) {
  const client = useQueryClient()
  return (
    <DeleteDialog
      name={apiKey.name}
      mustType
      action="Delete API key"
      toast="API key deleted successfully."
      remove={() => deleteKey(apiKey)}
      refresh={() => keyDeleted(client, apiKey)}
      onClose={onClose}
      onGone={onGone}
    >
      <p>The API key is permanently deleted. Any applications using this key will lose access.</p>
      <LastUse apiKey={apiKey} onRotate={onRotate} />
    </DeleteDialog>
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
