import type { InputHTMLAttributes, ReactNode, Ref } from 'react'
import * as A from 'react-aria-components'
import { CircleAlert, Search as SearchIcon } from 'lucide-react'
import { ico, icoS } from './icons'

type Attributes = InputHTMLAttributes<HTMLInputElement> & { 'data-1p-ignore'?: boolean }

type TextFieldProps = Omit<A.TextFieldProps, 'children'> & {
  label: ReactNode
  optional?: boolean
  /** Characters that it has, and the most that it may have. */
  count?: [number, number]
  help?: ReactNode
  error?: string | false
  /** Beside the label. */
  aside?: ReactNode
  /** A text area of this many lines. */
  lines?: number
  large?: boolean
  placeholder?: string
  inputRef?: Ref<HTMLInputElement>
  /** Of the input itself: `autoComplete`, `spellCheck`, `inputMode` … */
  inputProps?: Attributes
}

export function TextField({
  label,
  optional,
  count,
  help,
  error,
  aside,
  lines,
  large,
  inputRef,
  placeholder,
  inputProps,
  ...field
}: TextFieldProps) {
  const { className, ...attributes } = inputProps ?? {}
  const look = ['input', large && 'large', className].filter(Boolean).join(' ')
  return (
    <A.TextField {...field} isInvalid={!!error} className="field" validationBehavior="aria">
      <div className="label">
        <A.Label>
          {label}
          {optional && <span className="opt"> (optional)</span>}
        </A.Label>
        {count ? (
          <span className={'count' + (count[0] > count[1] ? ' over' : '')} aria-hidden>
            {count[0]} / {count[1]}
          </span>
        ) : (
          aside
        )}
      </div>
      {lines ? (
        <A.TextArea className={look} rows={lines} placeholder={placeholder} />
      ) : (
        <A.Input ref={inputRef} className={look} placeholder={placeholder} {...attributes} />
      )}
      {error ? (
        <A.Text slot="errorMessage" elementType="div" className="error">
          <CircleAlert {...icoS} />
          {error}
        </A.Text>
      ) : null}
      {help && (
        <A.Text slot="description" elementType="div" className="help">
          {help}
        </A.Text>
      )}
    </A.TextField>
  )
}

export function Search({
  label,
  placeholder,
  value,
  onChange,
  onSubmit,
  width = 240,
  kbd,
  inputRef,
}: {
  label: string
  placeholder: string
  value: string
  onChange: (value: string) => void
  onSubmit?: () => void
  /** In pixels, of text of the usual size. */
  width?: number
  /** The key that leads here. */
  kbd?: string
  inputRef?: Ref<HTMLInputElement>
}) {
  return (
    <A.SearchField
      aria-label={label}
      value={value}
      onChange={onChange}
      onSubmit={onSubmit}
      style={{ width: `${width / 16}rem` }}
    >
      <div className="with-icon">
        <SearchIcon {...ico} />
        <A.Input ref={inputRef} className="input" placeholder={placeholder} spellCheck={false} autoComplete="off" />
        {kbd && !value && (
          <span className="kbd end" aria-hidden>
            {kbd}
          </span>
        )}
      </div>
    </A.SearchField>
  )
}
