import { useEffect, useRef, useState, type ReactNode } from 'react'
import { useMutation } from '@tanstack/react-query'
import { wording } from '../api/client'
import { ConfirmDialog } from './dialog'
import { TextField } from './field'
import { regainFocus } from './focus'
import { Notice } from './states'
import { Text } from './text'
import { useToast } from './toast'

/** Asks whether something is to go for good, lets it go, and says so. */
export function DeleteDialog({
  name = '',
  ask = 'Delete',
  title,
  action,
  toast,
  mustType,
  warning,
  remove,
  refresh,
  onClose,
  onGone,
  children,
}: {
  /** What it is called. */
  name?: string
  /** What stands before its name in the question. */
  ask?: string
  /** What stands in place of the question. */
  title?: ReactNode
  /** What the button says that does it. */
  action: string
  /** What is said once it is done. */
  toast: string
  /** Its name has to be typed first. */
  mustType?: boolean
  /** What stands in place of an error that may be confirmed. */
  warning?: string | null
  remove: () => Promise<unknown>
  /** Asks again for what shows it, whatever has come of it. */
  refresh?: () => unknown
  onClose: () => void
  /** It is gone, and so is this. */
  onGone?: () => unknown
  children: ReactNode
}) {
  const say = useToast()
  const [typed, setTyped] = useState('')
  const isOpen = useRef(true)
  useEffect(() => {
    isOpen.current = true
    return () => {
      isOpen.current = false
    }
  }, [])
  const gone = useMutation({
    mutationFn: remove,
    onSuccess: () => {
      say(toast)
      // Closed meanwhile: what is open now is another.
      if (isOpen.current) onClose()
      return onGone?.()
    },
    onError: error => {
      if (!isOpen.current) say(wording(error), { bad: true })
    },
    onSettled: async () => {
      await refresh?.()
      // The row that asked for it is gone by now, and the focus with it.
      regainFocus()
    },
  })
  return (
    <ConfirmDialog
      onClose={onClose}
      title={
        title ?? (
          <>
            {ask} “<Text>{name}</Text>”?
          </>
        )
      }
      action={action}
      danger
      isCalm={!mustType}
      isDisabled={mustType && typed.trim() !== name}
      pending={gone.isPending}
      onSend={() => gone.mutate()}
      error={warning ? null : gone.error}
    >
      {warning && (
        <Notice kind="warn" role="alert">
          {warning}
        </Notice>
      )}
      {children}
      {mustType && (
        <TextField
          label={
            <>
              Type{' '}
              <code className="strong">
                <Text>{name}</Text>
              </code>{' '}
              to confirm
            </>
          }
          value={typed}
          onChange={setTyped}
          autoFocus
          inputProps={{ autoComplete: 'off', spellCheck: false }}
        />
      )}
    </ConfirmDialog>
  )
}
