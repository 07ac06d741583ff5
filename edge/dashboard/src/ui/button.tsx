import type { ReactNode } from 'react'
import * as A from 'react-aria-components'

type Kind = 'primary' | 'secondary' | 'ghost' | 'danger'
export function Button({
  kind = 'secondary',
  size,
  icon,
  wide,
  pending,
  onPress,
  ...p
}: A.ButtonProps & {
  kind?: Kind
  size?: 'small' | 'large'
  icon?: boolean
  wide?: boolean
  /** What it does is under way: not a second time, by the keyboard neither. */
  pending?: boolean
}) {
  // Not React Aria's isPending: its announcement outlives a dialog that closes and points at a label that is gone. The toast says what happened.
  return (
    <A.Button
      {...p}
      onPress={pending ? undefined : onPress}
      data-busy={pending || undefined}
      className={['btn', kind, size, icon && 'icon', wide && 'wide', p.className].filter(Boolean).join(' ')}
    />
  )
}
export function IconButton({
  label,
  tip = label,
  children,
  ...p
}: A.ButtonProps & { label: string; tip?: string; children: ReactNode }) {
  return (
    <A.TooltipTrigger delay={400} closeDelay={0}>
      <Button kind="ghost" size="small" icon aria-label={label} {...p}>
        {children}
      </Button>
      <Tip>{tip}</Tip>
    </A.TooltipTrigger>
  )
}
export const Tip = ({ children }: { children: ReactNode }) => (
  <A.Tooltip className="tip" offset={6}>
    {children}
  </A.Tooltip>
)
/** Text with a tooltip that a keyboard reaches too. */
export function Hint({ tip, children, className }: { tip: ReactNode; children: ReactNode; className?: string }) {
  return (
    <A.TooltipTrigger delay={250} closeDelay={0}>
      <A.Focusable>
        <span tabIndex={0} role="note" className={className}>
          {children}
        </span>
      </A.Focusable>
      <Tip>{tip}</Tip>
    </A.TooltipTrigger>
  )
}
