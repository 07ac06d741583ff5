import type { ReactNode } from 'react'
import * as A from 'react-aria-components'
import { Check, ChevronDown } from 'lucide-react'
import { icoS } from './icons'

type Items = { id: string; name: ReactNode; text?: string }[]

export function Select({
  label,
  hideLabel,
  value,
  onChange,
  items,
  auto,
  isDisabled,
}: {
  label: string
  hideLabel?: boolean
  value: string
  onChange?: (v: string) => void
  items: Items
  auto?: boolean
  isDisabled?: boolean
}) {
  return (
    <A.Select
      value={value}
      onChange={k => onChange?.(String(k))}
      className={hideLabel ? undefined : 'field'}
      aria-label={hideLabel ? label : undefined}
      isDisabled={isDisabled}
    >
      {!hideLabel && <A.Label className="name">{label}</A.Label>}
      <A.Button className={'select' + (auto ? ' auto' : '')}>
        <A.SelectValue />
        <ChevronDown {...icoS} />
      </A.Button>
      <A.Popover className="pop" offset={4}>
        <A.ListBox items={items}>
          {i => (
            <A.ListBoxItem id={i.id} className="item" textValue={i.text ?? String(i.name)}>
              {i.name}
              <Check {...icoS} className="check-mark" />
            </A.ListBoxItem>
          )}
        </A.ListBox>
      </A.Popover>
    </A.Select>
  )
}

/** What narrows a list, in the toolbar above it. The first of the items stands for no filter. */
export function FilterSelect<Value extends string>({
  label,
  value,
  onChange,
  items,
}: {
  label: string
  value: Value | undefined
  onChange: (value: Value | undefined) => void
  items: Items
}) {
  const none = items[0].id
  return (
    <Select
      hideLabel
      auto
      label={label}
      value={value ?? none}
      onChange={id => onChange(id === none ? undefined : (id as Value))}
      items={items}
    />
  )
}
