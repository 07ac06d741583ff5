import { useState } from 'react'
import { useQuery } from '@tanstack/react-query'
import { ListFilter, X } from 'lucide-react'
import { fieldsQuery, type Field } from '../../api/fields'
import { Button } from '../../ui/button'
import { FormDialog } from '../../ui/dialog'
import { visible } from '../../ui/format'
import { icoS } from '../../ui/icons'
import { Select } from '../../ui/select'
import { Text } from '../../ui/text'
import { ValueField } from './value-field'
import { held, read, shown, type Held } from './values'

/** The most custom fields that a list is filtered by. */
const MOST = 10

/** What a list of contacts is filtered by of their custom fields, and a way to add to it. */
export function FieldFilters({
  agentId,
  chosen,
  onChange,
}: {
  agentId: string
  /** Values by the keys of their fields, as the API writes them. */
  chosen: Record<string, string>
  onChange: (chosen: Record<string, string> | undefined) => void
}) {
  const fields = useQuery(fieldsQuery(agentId)).data ?? []
  const [isOpen, setOpen] = useState(false)
  const entries = Object.entries(chosen)
  const drop = (key: string) => {
    const rest = Object.fromEntries(entries.filter(([other]) => other !== key))
    onChange(Object.keys(rest).length ? rest : undefined)
  }
  const possible = fields.filter(({ key, type }) => type !== 'LONG_TEXT' && !(key in chosen))
  return (
    <>
      {entries.map(([key, value]) => {
        const field = fields.find(field => field.key === key)
        const name = visible(field?.title ?? key)
        return (
          <Button key={key} size="small" onPress={() => drop(key)} aria-label={`Any ${name}`}>
            {name}: <Text clip>{field ? shown(field.type, typed(field, value)) : value}</Text>
            <X {...icoS} />
          </Button>
        )
      })}
      {possible.length > 0 && entries.length < MOST && (
        <Button kind="ghost" size="small" onPress={() => setOpen(true)}>
          <ListFilter {...icoS} />
          By a field
        </Button>
      )}
      {isOpen && (
        <Choose
          fields={possible}
          onClose={() => setOpen(false)}
          onChoose={(key, value) => onChange({ ...chosen, [key]: value })}
        />
      )}
    </>
  )
}

/** The value of a filter as its field has it. */
const typed = ({ type }: Field, value: string): unknown => (type === 'BOOLEAN' ? value === 'true' : value)

function Choose({
  fields,
  onClose,
  onChoose,
}: {
  fields: Field[]
  onClose: () => void
  onChoose: (key: string, value: string) => void
}) {
  const [key, setKey] = useState(fields[0].key)
  const [value, setValue] = useState<Held>('')
  const [error, setError] = useState<string>()
  const field = fields.find(field => field.key === key) ?? fields[0]
  // Of several, one has to fit.
  const rules = { ...field, type: field.type === 'MULTI_SELECT' ? ('SELECT' as const) : field.type }
  const choose = () => {
    const found = read(rules, value)
    if ('fault' in found) return setError(found.fault)
    if (found.value === null) return setError('Say which value.')
    onChoose(field.key, String(held(rules.type, found.value)))
    onClose()
  }
  return (
    <FormDialog size="narrow" onClose={onClose} title="Filter by a field" action="Filter" onSend={choose}>
      <Select
        label="Field"
        value={field.key}
        onChange={to => {
          setKey(to)
          setValue('')
          setError(undefined)
        }}
        items={fields.map(({ key, title }) => ({ id: key, name: <Text>{title}</Text>, text: title }))}
      />
      <ValueField
        key={field.key}
        label="Value"
        rules={rules}
        value={value}
        onChange={to => {
          setValue(to)
          setError(undefined)
        }}
        error={error}
      />
    </FormDialog>
  )
}
