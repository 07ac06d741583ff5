import { useRef, useState } from 'react'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import * as A from 'react-aria-components'
import { Ban, Copy, CopyPlus, Ellipsis, Pencil, Play, RotateCw, Trash2 } from 'lucide-react'
import { wording } from '../../api/client'
import { disableKey, enableKey, keysChanged, type Key } from '../../api/keys'
import { Button } from '../../ui/button'
import { copy, COPY_BLOCKED } from '../../ui/copy'
import { ConfirmDialog } from '../../ui/dialog'
import { regainFocus } from '../../ui/focus'
import { ago } from '../../ui/format'
import { ico } from '../../ui/icons'
import { Item, Menu } from '../../ui/menu'
import { Text } from '../../ui/text'
import { useToast } from '../../ui/toast'
import { AddKey, type Kept } from './add'
import { DeleteKey } from './delete'
import { EditKey } from './edit'
import { RotateKey, wasUsedLately } from './rotate'

type Act = { kind: 'add'; key?: Key } | { kind: 'edit' | 'rotate' | 'delete' | 'disable'; key: Key }

/** What can be done with keys, and which dialog is open. */
export type Actions = ReturnType<typeof useKeyActions>

export function useKeyActions() {
  const client = useQueryClient()
  const say = useToast()
  const [act, setAct] = useState<Act | null>(null)
  const opener = useRef<HTMLElement | null>(null)
  const kept = useRef<Kept>(null)

  // Several dialogs follow one another here (form, secret, confirmation), so the focus is given back by hand: to what
  // opened the first, or to the page when its row is gone.
  const open = (next: Act) => {
    if (!act) {
      const focused = document.activeElement as HTMLElement | null
      opener.current = focused?.closest('[role=menu]')
        ? document.querySelector<HTMLElement>('[aria-haspopup][aria-expanded=true]')
        : focused
    }
    setAct(next)
  }
  const close = () => {
    setAct(null)
    regainFocus(opener.current)
  }
  const refresh = () => keysChanged(client)
  const flip = useMutation({
    mutationFn: (key: Key) => (key.status === 'DISABLED' ? enableKey(key) : disableKey(key)),
    onSuccess: (_, key) => {
      refresh()
      say(key.status === 'DISABLED' ? 'API key enabled.' : 'API key disabled.')
    },
    onError: error => say(wording(error), { bad: true }),
  })
  const copyKey = async (key: Key) => {
    if (await copy(key.apiKey)) say('API key copied to clipboard')
    else say(COPY_BLOCKED, { bad: true })
  }
  return {
    act,
    open,
    close,
    refresh,
    kept,
    copyKey,
    /** Disables at once, and asks first only where something would notice. */
    flip: (key: Key) => {
      if (key.status !== 'DISABLED' && wasUsedLately(key)) open({ kind: 'disable', key })
      else flip.mutate(key)
    },
    disable: (key: Key) => flip.mutate(key),
  }
}

/** The actions of a row or a page. */
export function KeyMenu({ apiKey, on, onPage }: { apiKey: Key; on: Actions; onPage?: boolean }) {
  const isDisabled = apiKey.status === 'DISABLED'
  const label = `Actions for ${apiKey.name}`
  return (
    <Menu
      label={label}
      trigger={
        <Button kind="ghost" size={onPage ? undefined : 'small'} icon aria-label={label}>
          <Ellipsis {...ico} />
        </Button>
      }
    >
      <Item icon={<Copy {...ico} />} onAction={() => on.copyKey(apiKey)}>
        Copy API Key
      </Item>
      <Item icon={<Pencil {...ico} />} onAction={() => on.open({ kind: 'edit', key: apiKey })}>
        Edit
      </Item>
      <Item icon={<CopyPlus {...ico} />} onAction={() => on.open({ kind: 'add', key: apiKey })}>
        Duplicate
      </Item>
      <Item icon={<RotateCw {...ico} />} onAction={() => on.open({ kind: 'rotate', key: apiKey })}>
        Rotate
      </Item>
      <Item icon={isDisabled ? <Play {...ico} /> : <Ban {...ico} />} onAction={() => on.flip(apiKey)}>
        {isDisabled ? 'Enable' : 'Disable'}
      </Item>
      <A.Separator />
      <Item danger icon={<Trash2 {...ico} />} onAction={() => on.open({ kind: 'delete', key: apiKey })}>
        Delete
      </Item>
    </Menu>
  )
}

/** The dialog that is open. */
export function KeyDialogs({ on, agentId, onGone }: { on: Actions; agentId?: string; onGone?: () => Promise<void> }) {
  const { act, close, refresh } = on
  if (!act) return null
  switch (act.kind) {
    case 'add':
      return (
        <AddKey
          agentId={act.key?.agent.id ?? agentId}
          original={act.key}
          kept={act.key ? null : on.kept.current}
          onKeep={kept => {
            on.kept.current = kept
          }}
          onClose={close}
          onSaved={refresh}
        />
      )
    case 'edit':
      return <EditKey apiKey={act.key} onClose={close} onSaved={refresh} />
    case 'rotate':
      return <RotateKey apiKey={act.key} onClose={close} onSaved={refresh} />
    case 'delete':
      return (
        <DeleteKey
          apiKey={act.key}
          onClose={close}
          onGone={onGone}
          onRotate={() => on.open({ kind: 'rotate', key: act.key })}
        />
      )
    case 'disable':
      return <DisableKey apiKey={act.key} onClose={close} onDisable={() => on.disable(act.key)} />
  }
}

function DisableKey({ apiKey, onClose, onDisable }: { apiKey: Key; onClose: () => void; onDisable: () => void }) {
  return (
    <ConfirmDialog
      onClose={onClose}
      title={
        <>
          Disable “<Text>{apiKey.name}</Text>”?
        </>
      }
      action="Disable"
      onSend={() => {
        onDisable()
        onClose()
      }}
    >
      <p>
        It was last used <b className="strong">{ago(apiKey.lastUsedAt).toLowerCase()}</b>. What uses it is refused at
        once, until you enable it again.
      </p>
    </ConfirmDialog>
  )
}
