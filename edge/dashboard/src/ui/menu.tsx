import type { ReactNode } from 'react'
import * as A from 'react-aria-components'
import { Ellipsis } from 'lucide-react'
import { Button } from './button'
import { visible } from './format'
import { ico } from './icons'

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

/** What can be done with a row, or with what a page shows. */
export function ActionsMenu({ label, isOfPage, children }: { label: string; isOfPage?: boolean; children: ReactNode }) {
  return (
    <Menu
      label={label}
      trigger={
        <Button kind={isOfPage ? 'secondary' : 'ghost'} size={isOfPage ? undefined : 'small'} icon aria-label={label}>
          <Ellipsis {...ico} />
        </Button>
      }
    >
      {children}
    </Menu>
  )
}

/** The last cell of a row: what can be done with what has this name. */
export function ActionsCell({ name, children }: { name: string; children: ReactNode }) {
  return (
    <td>
      <div className="acts">
        <ActionsMenu label={`Actions for ${visible(name)}`}>{children}</ActionsMenu>
      </div>
    </td>
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
