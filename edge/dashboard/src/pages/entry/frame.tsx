import { useState, type FormEvent, type ReactNode, type Ref } from 'react'
import * as A from 'react-aria-components'
import { TextField } from '../../ui/field'
import { length } from '../../ui/format'
import { useTitle } from '../../ui/page'
import { Mark } from '../../ui/shell'

/** A password's least length. The server has the last word. */
export const PASSWORD_MIN = 12

/** A page before the door: a narrow column, the mark, a title. */
export function Entry({
  title,
  text,
  children,
  wide,
}: {
  title: string
  text?: ReactNode
  children?: ReactNode
  wide?: boolean
}) {
  useTitle(title)
  return (
    <main className="entry" id="main">
      <div className={wide ? 'entry-card wide' : 'entry-card'}>
        <div className="entry-head">
          <Mark size={32} />
          <div>
            <h1>{title}</h1>
            {text && <p>{text}</p>}
          </div>
        </div>
        {children}
      </div>
    </main>
  )
}

/** A form that is sent by script, never by the browser. */
export function Form({ onSend, children }: { onSend: () => void; children: ReactNode }) {
  const send = (event: FormEvent) => {
    event.preventDefault()
    onSend()
  }
  return (
    <form className="entry-form" onSubmit={send} noValidate>
      {children}
    </form>
  )
}

/** A password, a new one with a meter of its length: composition rules make worse passwords. */
export function Password({
  label,
  value,
  onChange,
  fresh,
  error,
  inputRef,
  autoFocus,
  large = true,
}: {
  label: string
  value: string
  onChange: (value: string) => void
  fresh?: boolean
  error?: string
  inputRef?: Ref<HTMLInputElement>
  autoFocus?: boolean
  large?: boolean
}) {
  const [shown, show] = useState(false)
  const count = length(value)
  return (
    <div className="field">
      <TextField
        label={label}
        large={large}
        type={shown ? 'text' : 'password'}
        value={value}
        onChange={onChange}
        error={error}
        isRequired
        autoFocus={autoFocus}
        inputRef={inputRef}
        inputProps={{
          autoComplete: fresh ? 'new-password' : 'current-password',
          spellCheck: false,
          autoCapitalize: 'none',
        }}
        aside={
          <A.ToggleButton isSelected={shown} onChange={show} className="link quiet small" aria-label={`Show: ${label}`}>
            {shown ? 'Hide' : 'Show'}
          </A.ToggleButton>
        }
      />
      {fresh && <Length count={count} />}
    </div>
  )
}

function Length({ count }: { count: number }) {
  const missing = PASSWORD_MIN - count
  const words =
    count === 0
      ? `At least ${PASSWORD_MIN} characters. A few words are best.`
      : missing > 0
        ? `${missing} more ${missing === 1 ? 'character' : 'characters'}`
        : 'Long enough'
  return (
    <div className="row">
      <div className={missing > 0 ? 'meter low password-meter' : 'meter password-meter'} aria-hidden>
        <i style={{ width: `${Math.min(1, count / 16) * 100}%` }} />
      </div>
      <span className="help" role="status">
        {words}
      </span>
    </div>
  )
}

/** A link that was used, is old, or never was one. */
export function DeadLink({ text, children }: { text: string; children?: ReactNode }) {
  return (
    <Entry title="This link no longer works" text={text}>
      {children}
    </Entry>
  )
}
