import { useId, useRef, useState, type ReactNode } from 'react'
import * as A from 'react-aria-components'
import { CircleAlert, X } from 'lucide-react'
import { Button } from './button'
import { length, visible } from './format'
import { icoS } from './icons'
import { Text } from './text'

/** A list of short texts, without doubles: what is typed joins it by Enter or Add, and each has a button to go. */
export function Words({
  label,
  one,
  optional,
  value,
  pending,
  onChange,
  most,
  longest,
  placeholder,
  help,
  error,
}: {
  label: string
  /** What one of them is called: "tag". */
  one: string
  optional?: boolean
  value: string[]
  /** What is typed and not in the list yet. The form takes it along. */
  pending: string
  onChange: (value: string[], pending: string) => void
  most: number
  /** The most characters of one. */
  longest: number
  placeholder?: string
  help?: ReactNode
  error?: string
}) {
  const id = useId()
  const input = useRef<HTMLInputElement>(null)
  const [said, setSaid] = useState('')
  const add = () => {
    const text = pending.trim()
    if (!text) return
    if (value.includes(text)) return setSaid(`This ${one} is in the list already.`)
    if (length(text) > longest) return setSaid(`At most ${longest} characters.`)
    if (value.length >= most) return setSaid(`At most ${most}.`)
    setSaid('')
    onChange([...value, text], '')
  }
  const remove = (text: string) => {
    onChange(
      value.filter(other => other !== text),
      pending,
    )
    input.current?.focus()
  }
  const fault = said || error
  return (
    <div className="field" role="group" aria-labelledby={id}>
      <div className="label">
        <span className="name" id={id}>
          {label}
          {optional && <span className="opt"> (optional)</span>}
        </span>
        <span className={'count' + (value.length > most ? ' over' : '')} aria-hidden>
          {value.length} / {most}
        </span>
      </div>
      {value.length > 0 && (
        <ul className="chips" aria-label={label}>
          {value.map(text => (
            <li key={text} className="chip word">
              <Text clip>{text}</Text>
              <A.Button className="chip-x" aria-label={`Remove ${visible(text)}`} onPress={() => remove(text)}>
                <X {...icoS} />
              </A.Button>
            </li>
          ))}
        </ul>
      )}
      <A.TextField
        value={pending}
        onChange={text => {
          setSaid('')
          onChange(value, text)
        }}
        aria-label={`New ${one}`}
        isInvalid={!!fault}
        validationBehavior="aria"
        className="field"
      >
        <div className="row nowrap">
          <A.Input
            ref={input}
            className="input"
            placeholder={placeholder}
            autoComplete="off"
            onKeyDown={event => {
              // An empty line sends the form, as in any other field.
              if (event.key !== 'Enter' || event.nativeEvent.isComposing || !pending.trim()) return
              event.preventDefault()
              add()
            }}
          />
          <Button onPress={add} isDisabled={!pending.trim()}>
            Add
          </Button>
        </div>
        {fault && (
          <A.Text slot="errorMessage" elementType="div" className="error">
            <CircleAlert {...icoS} />
            {fault}
          </A.Text>
        )}
        {help && (
          <A.Text slot="description" elementType="div" className="help">
            {help}
          </A.Text>
        )}
      </A.TextField>
    </div>
  )
}

/** The list together with what is still being typed. */
export const withPending = (value: string[], pending: string) => {
  const text = pending.trim()
  return text && !value.includes(text) ? [...value, text] : value
}
