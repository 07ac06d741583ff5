import { useId, type ReactNode } from 'react'
import * as A from 'react-aria-components'
import { CircleAlert } from 'lucide-react'
import { Checkbox } from '../../ui/choice'
import { TextField } from '../../ui/field'
import { length } from '../../ui/format'
import { icoS } from '../../ui/icons'
import { Select } from '../../ui/select'
import { Text } from '../../ui/text'
import { LENGTHS, type Held, type Rules } from './values'

type Props = {
  label: string
  rules: Rules
  value: Held
  onChange: (value: Held) => void
  error?: string
  optional?: boolean
}

/** A field of a form for a value of a custom field. */
export function ValueField(props: Props) {
  const { label, rules, value, onChange, error, optional } = props
  const text = Array.isArray(value) ? '' : value
  switch (rules.type) {
    case 'BOOLEAN':
      return (
        <Choice
          {...props}
          items={[
            { id: 'true', name: 'Yes' },
            { id: 'false', name: 'No' },
          ]}
        />
      )
    case 'SELECT':
      return (
        <Choice
          {...props}
          items={rules.options.map(option => ({ id: option, name: <Text>{option}</Text>, text: option }))}
        />
      )
    case 'MULTI_SELECT':
      return <Several {...props} />
    case 'DATE':
      return <Day {...props} />
    default: {
      const most = rules.maxLength ?? LENGTHS[rules.type]
      return (
        <TextField
          label={label}
          optional={optional}
          value={text}
          onChange={onChange}
          error={error}
          count={most ? [length(text), most] : undefined}
          lines={rules.type === 'LONG_TEXT' ? 3 : undefined}
          help={rules.type === 'NUMBER' ? range(rules) : undefined}
          placeholder={rules.type === 'URL' ? 'https://' : undefined}
          inputProps={{ autoComplete: 'off', inputMode: rules.type === 'NUMBER' ? 'decimal' : undefined }}
        />
      )
    }
  }
}

function range({ minimum, maximum }: Rules): string | undefined {
  if (minimum !== null && maximum !== null) return `From ${minimum} to ${maximum}.`
  if (minimum !== null) return `At least ${minimum}.`
  return maximum !== null ? `At most ${maximum}.` : undefined
}

const NONE = '\u0000none'

function Choice({
  label,
  value,
  onChange,
  error,
  items,
}: Props & { items: { id: string; name: ReactNode; text?: string }[] }) {
  const text = Array.isArray(value) ? '' : value
  // A value that is stored and fits no more can stay, and is shown.
  const isKnown = text === '' || items.some(({ id }) => id === text)
  const stored = isKnown ? [] : [{ id: text, name: <Text>{text}</Text>, text }]
  return (
    <div className="field" data-error={error ? true : undefined}>
      <Select
        label={label}
        value={text || NONE}
        onChange={id => onChange(id === NONE ? '' : id)}
        items={[{ id: NONE, name: 'None' }, ...stored, ...items]}
      />
      <Fault>{error}</Fault>
    </div>
  )
}

function Several({ label, rules, value, onChange, error, optional }: Props) {
  const chosen = Array.isArray(value) ? value : []
  const items = [...rules.options, ...chosen.filter(option => !rules.options.includes(option))]
  return (
    <A.CheckboxGroup className="field" value={chosen} onChange={onChange} isInvalid={!!error} validationBehavior="aria">
      <A.Label className="name">
        {label}
        {optional && <span className="opt"> (optional)</span>}
      </A.Label>
      <div className="options">
        {items.map(option => (
          <Checkbox key={option} value={option} title={<Text>{option}</Text>} />
        ))}
      </div>
      <Fault>{error}</Fault>
    </A.CheckboxGroup>
  )
}

function Day({ label, value, onChange, error, optional }: Props) {
  const id = useId()
  return (
    <div className="field">
      <label htmlFor={id}>
        {label}
        {optional && <span className="opt"> (optional)</span>}
      </label>
      <input
        id={id}
        type="date"
        max="9999-12-31"
        className="input day"
        value={Array.isArray(value) ? '' : value}
        onChange={event => onChange(event.target.value)}
        aria-invalid={error ? true : undefined}
        aria-describedby={error ? `${id}-fault` : undefined}
      />
      <Fault id={`${id}-fault`}>{error}</Fault>
    </div>
  )
}

function Fault({ id, children }: { id?: string; children?: string }) {
  if (!children) return null
  return (
    <div className="error" id={id}>
      <CircleAlert {...icoS} />
      {children}
    </div>
  )
}
