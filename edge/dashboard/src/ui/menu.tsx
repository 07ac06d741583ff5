import type { ReactNode } from 'react'
import * as A from 'react-aria-components'

export function Menu({
  label,
  trigger,
  children,
  placement = 'bottom end',
}: {
  label: string
  trigger: ReactNode
  children: ReactNode
  placement?: A.PopoverProps['placement']
}) {
  return (
    <A.MenuTrigger>
      {trigger}
      <A.Popover className="pop" placement={placement} offset={4}>
        <A.Menu aria-label={label}>{children}</A.Menu>
      </A.Popover>
    </A.MenuTrigger>
  )
}

/** `text` is what typing finds, where the item shows more than text. */
export function Item({
  icon,
  children,
  danger,
  onAction,
  end,
  text,
  href,
  download,
}: {
  icon?: ReactNode
  children: ReactNode
  danger?: boolean
  onAction?: () => void
  end?: ReactNode
  text?: string
  /** Of a file that is downloaded, and the name that it gets. */
  href?: string
  download?: string
}) {
  return (
    <A.MenuItem
      onAction={onAction}
      href={href}
      download={download}
      className={'item' + (danger ? ' danger' : '')}
      textValue={text ?? String(children)}
    >
      {icon}
      <span className="grow">{children}</span>
      {end}
    </A.MenuItem>
  )
}
