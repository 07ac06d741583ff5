import type { ReactNode } from 'react'
import * as A from 'react-aria-components'

export function Checkbox({ title, note, ...p }: A.CheckboxProps & { title: ReactNode; note?: ReactNode }) {
  return (
    <A.Checkbox {...p} className="check">
      {({ isIndeterminate, isSelected }) => (
        <>
          <span className="box">
            {/* drawn only when it is so: in forced colours a transparent mark would show as ticked */}
            {isIndeterminate ? (
              <svg width="10" height="10" viewBox="0 0 10 10">
                <path d="M2 5h6" stroke="currentColor" strokeWidth="1.75" strokeLinecap="round" />
              </svg>
            ) : (
              isSelected && (
                <svg width="10" height="10" viewBox="0 0 10 10" fill="none">
                  <path
                    d="M1.5 5.4 4 7.8l4.5-5.3"
                    stroke="currentColor"
                    strokeWidth="1.75"
                    strokeLinecap="round"
                    strokeLinejoin="round"
                  />
                </svg>
              )
            )}
          </span>
          <span className="text">
            <span className={note ? 'strong' : ''}>{title}</span>
            {note && <small>{note}</small>}
          </span>
        </>
      )}
    </A.Checkbox>
  )
}
export function Segmented({
  label,
  value,
  onChange,
  items,
  small,
}: {
  label: string
  value: string
  onChange?: (v: string) => void
  items: [string, string][]
  small?: boolean
}) {
  return (
    <A.ToggleButtonGroup
      aria-label={label}
      selectionMode="single"
      disallowEmptySelection
      selectedKeys={value ? [value] : []}
      onSelectionChange={s => onChange?.(String([...s][0]))}
      className={'seg' + (small ? ' small' : '')}
    >
      {items.map(([id, name]) => (
        <A.ToggleButton key={id} id={id}>
          {name}
        </A.ToggleButton>
      ))}
    </A.ToggleButtonGroup>
  )
}
export function RadioCards({
  label,
  value,
  onChange,
  items,
  columns = 1,
}: {
  label: string
  value: string
  onChange: (v: string) => void
  items: [string, string, ReactNode?][]
  columns?: number
}) {
  return (
    <A.RadioGroup value={value} onChange={onChange} className="field">
      <A.Label className="name">{label}</A.Label>
      <div style={{ display: 'grid', gap: 8, gridTemplateColumns: `repeat(${columns}, 1fr)` }}>
        {items.map(([id, name, note]) => (
          <A.Radio key={id} value={id} className="radio-card">
            <span className="dot" />
            <span>
              <span className="strong">{name}</span>
              {note && <small>{note}</small>}
            </span>
          </A.Radio>
        ))}
      </div>
    </A.RadioGroup>
  )
}
export function Switch({ children, ...p }: A.SwitchProps & { children: ReactNode }) {
  return (
    <A.Switch {...p} className="switch">
      <span className="track" />
      {children}
    </A.Switch>
  )
}
