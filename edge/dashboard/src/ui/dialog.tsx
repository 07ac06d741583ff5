import { useEffect, useRef, type ComponentProps, type ReactNode, type Ref } from 'react'
import * as A from 'react-aria-components'
import { X } from 'lucide-react'
import { Button } from './button'
import { ico } from './icons'
import { Refusal } from './states'

type Frame = {
  title: ReactNode
  subtitle?: ReactNode
  size?: 'narrow' | 'wide'
  role?: 'alertdialog'
  /** Which step this is, and of how many. */
  steps?: [number, number]
  dismissable?: boolean
  closeLabel?: string
  onClose: () => void
  children: ReactNode
}

/** What stands over the page until it is done with. With `foot`, a line of buttons stays in sight below the rest. */
export function Dialog({
  open,
  foot,
  busy,
  children,
  ...frame
}: Frame & {
  open: boolean
  foot?: ReactNode
  /** What it is about is being loaded. */
  busy?: boolean
}) {
  return (
    <Window open={open} {...frame}>
      <Parts busy={busy} foot={foot}>
        {children}
      </Parts>
    </Window>
  )
}

function Parts({ busy, foot, children }: { busy?: boolean; foot?: ReactNode; children: ReactNode }) {
  return (
    <>
      <div className="d-body" aria-busy={busy || undefined}>
        {children}
      </div>
      {foot && <div className="d-foot">{foot}</div>}
    </>
  )
}

/** A dialog that is filled in, or asks whether something is meant: Cancel, and beside it what sends it. */
export function FormDialog({
  action,
  danger,
  pending,
  isDisabled,
  isCalm,
  cancel,
  note,
  formRef,
  step,
  outcome,
  onSend,
  children,
  ...frame
}: Frame & {
  /** What the button says that sends it. */
  action: string
  danger?: boolean
  /** It is being sent: not a second time. */
  pending?: boolean
  isDisabled?: boolean
  /** There is nothing to fill in: the focus is on Cancel, so that nothing happens by accident. */
  isCalm?: boolean
  /** What stands in place of Cancel. */
  cancel?: ReactNode
  /** Beside the buttons. */
  note?: ReactNode
  formRef?: Ref<HTMLFormElement>
  /** Another step is another form. */
  step?: number
  /** What has come of it: shown in place of the form until Done. */
  outcome?: ReactNode
  onSend: () => void
}) {
  if (outcome) {
    const done = (
      <Button kind="primary" onPress={frame.onClose}>
        Done
      </Button>
    )
    return (
      <Window open {...frame}>
        <Parts foot={done}>{outcome}</Parts>
      </Window>
    )
  }
  const buttons = (
    <>
      {note}
      {cancel ?? (
        <Button kind="ghost" autoFocus={isCalm} onPress={frame.onClose}>
          Cancel
        </Button>
      )}
      <Button kind={danger ? 'danger' : 'primary'} type="submit" pending={pending} isDisabled={isDisabled}>
        {action}
      </Button>
    </>
  )
  return (
    <Window open {...frame}>
      <form
        key={step}
        ref={formRef}
        noValidate
        autoComplete="off"
        onSubmit={event => {
          event.preventDefault()
          if (!pending && !isDisabled) onSend()
        }}
      >
        <Parts foot={buttons}>{children}</Parts>
      </form>
    </Window>
  )
}

/** Asks whether something is meant. As a rule there is nothing to fill in, so the focus is on Cancel. */
export function ConfirmDialog({
  error,
  isCalm = true,
  children,
  ...form
}: Omit<ComponentProps<typeof FormDialog>, 'role' | 'size'> & {
  /** Why it was not done. */
  error?: unknown
}) {
  return (
    <FormDialog role="alertdialog" size="narrow" isCalm={isCalm} {...form}>
      <Refusal error={error} />
      {children}
    </FormDialog>
  )
}

function Window({
  open,
  onClose,
  title,
  subtitle,
  size,
  role,
  children,
  steps,
  dismissable = false,
  closeLabel = 'Close',
}: Frame & { open: boolean }) {
  const at = useRef<HTMLParagraphElement>(null)
  const step = steps?.[0]
  const was = useRef(step)
  useEffect(() => {
    if (was.current !== step) {
      was.current = step
      at.current?.focus()
    }
  }, [step]) // a new step: the reader hears where they are, the keyboard starts at the top
  return (
    <A.ModalOverlay
      className="veil"
      isOpen={open}
      onOpenChange={o => {
        if (!o) onClose()
      }}
      isDismissable={dismissable}
    >
      <A.Modal className={'dialog ' + (size ?? '')}>
        <A.Dialog role={role}>
          <div className="d-head">
            <div>
              <A.Heading slot="title" level={2}>
                {title}
              </A.Heading>
              {subtitle && (
                <p ref={at} tabIndex={steps ? -1 : undefined}>
                  {subtitle}
                </p>
              )}
            </div>
            {role !== 'alertdialog' && (
              <Button kind="ghost" size="small" icon aria-label={closeLabel} onPress={onClose}>
                <X {...ico} />
              </Button>
            )}
          </div>
          {steps && (
            <div className="steps" aria-hidden>
              {Array.from({ length: steps[1] }, (_, i) => (
                <i key={i} className={i < steps[0] ? 'on' : ''} />
              ))}
            </div>
          )}
          {children}
        </A.Dialog>
      </A.Modal>
    </A.ModalOverlay>
  )
}
