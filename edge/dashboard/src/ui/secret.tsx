import { useEffect, useState } from 'react'
import { useBlocker } from '@tanstack/react-router'
import { Button } from './button'
import { Dialog } from './dialog'

/** What holds a secret that is shown once. There is one such object, and it is emptied when the secret is put away. */
export type Holder = { secret: string }

/**
 * Guards a secret while it is shown. `ask` is for everything that would close it; Back, a link, a reload and closing
 * the tab ask by themselves. `onDone` is called once the holder is empty.
 *
 * React and the caches of queries may keep an old object for a while, so it is the object that is emptied: a page
 * that is kept for Back, or a snapshot of the memory, has nothing.
 */
export function useSecretGuard(holder: Holder, onDone: () => void, keepWords: Words) {
  const [isAsking, setAsking] = useState(false)
  const putAway = () => {
    holder.secret = ''
    onDone()
  }
  useEffect(() => {
    addEventListener('pagehide', putAway)
    return () => removeEventListener('pagehide', putAway)
  })
  const { proceed, reset, status } = useBlocker({
    shouldBlockFn: () => holder.secret !== '',
    enableBeforeUnload: () => holder.secret !== '',
    withResolver: true,
  })
  const isBlocked = status === 'blocked'
  const stay = () => {
    setAsking(false)
    reset?.()
  }
  const leave = () => {
    putAway()
    proceed?.()
  }
  const dialog = (
    <Dialog
      open={isAsking || isBlocked}
      onClose={stay}
      role="alertdialog"
      size="narrow"
      title={keepWords.title}
      foot={
        <>
          <Button onPress={stay} autoFocus>
            Go back
          </Button>
          <Button kind="primary" onPress={leave}>
            Yes, it is stored
          </Button>
        </>
      }
    >
      <p className="muted">{keepWords.text}</p>
    </Dialog>
  )
  return { ask: () => setAsking(true), dialog }
}

type Words = { title: string; text: string }
