import { useState } from 'react'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { faults } from '../../api/client'
import { createField, fieldsQuery, toConfirm, updateField, type Field, type FieldType } from '../../api/fields'
import { Checkbox } from '../../ui/choice'
import { FormDialog } from '../../ui/dialog'
import { TextField } from '../../ui/field'
import { useErrors } from '../../ui/focus'
import { length } from '../../ui/format'
import { Select } from '../../ui/select'
import { FormError, Notice } from '../../ui/states'
import { useToast } from '../../ui/toast'
import { Words } from '../../ui/words'
import { ValueField } from '../contacts/value-field'
import {
  blank,
  changes,
  draftOf,
  has,
  keyFor,
  OPTION_LENGTH,
  OPTIONS_MOST,
  problems,
  rules,
  settings,
  TITLE_LENGTH,
  typeName,
  TYPES,
  type Draft,
  type Errors,
} from './draft'

/** Declares a field, or changes one. */
export function FieldForm({
  agentId,
  field,
  fields,
  onClose,
}: {
  agentId: string
  /** The field that is changed. */
  field?: Field
  /** Those that there are. */
  fields: Field[]
  onClose: () => void
}) {
  const client = useQueryClient()
  const say = useToast()
  const [draft, setDraft] = useState<Draft>(() => (field ? draftOf(field) : blank()))
  const { form, errors, setErrors, refuse } = useErrors<Errors>()
  const taken = fields.filter(other => other !== field).map(({ key }) => key)
  const changed = field ? changes(draft, field) : null
  const isDirty = !changed || Object.keys(changed).length > 0
  const save = useMutation({
    mutationFn: (confirm: boolean) =>
      field ? updateField(agentId, field.key, changed ?? {}, confirm) : createField(agentId, settings(draft), confirm),
    onSuccess: () => {
      say(field ? 'Contact field updated.' : 'Contact field added.')
      onClose()
    },
    onError: error => refuse(faults(error)),
    onSettled: () => client.invalidateQueries({ queryKey: fieldsQuery(agentId).queryKey }),
  })
  const warning = toConfirm(save.error)
  const set = (part: Partial<Draft>) => {
    // What was warned of is what was asked for then.
    if (save.isError) save.reset()
    const next = { ...draft, ...part }
    // A key that nobody has written follows the name.
    if (!field && part.title !== undefined && draft.key === keyFor(draft.title)) next.key = keyFor(part.title)
    if (part.type && part.type !== draft.type) next.default = part.type === 'MULTI_SELECT' ? [] : ''
    setDraft(next)
    if (Object.keys(errors).length) setErrors(problems(next, taken))
  }
  const submit = () => {
    if (refuse(problems(draft, taken))) return
    save.mutate(warning !== null)
  }
  const action = field ? 'Save changes' : 'Add field'
  return (
    <FormDialog
      onClose={onClose}
      title={field ? 'Edit contact field' : 'Add a contact field'}
      action={warning ? `${action} all the same` : action}
      pending={save.isPending}
      isDisabled={!isDirty}
      formRef={form}
      onSend={submit}
    >
      <TextField
        label="Name"
        value={draft.title}
        onChange={title => set({ title })}
        error={errors.title}
        count={[length(draft.title), TITLE_LENGTH]}
        placeholder="Shoe size"
        autoFocus
        isRequired
        inputProps={{ autoComplete: 'off', 'data-1p-ignore': true }}
      />
      {field ? (
        <div className="two">
          <Fixed name="Key" value={field.key} isCode />
          <Fixed name="Type" value={typeName(field.type)} />
        </div>
      ) : (
        <>
          <TextField
            label="Key"
            value={draft.key}
            onChange={key => set({ key })}
            error={errors.key}
            help="What the API calls it, in customFields. It cannot change later."
            placeholder="shoeSize"
            isRequired
            inputProps={{ autoComplete: 'off', spellCheck: false, className: 'mono' }}
          />
          <div className="field">
            <Select
              label="Type"
              value={draft.type}
              onChange={type => set({ type: type as FieldType })}
              items={TYPES.map(([id, name]) => ({ id, name }))}
            />
            <div className="help">{TYPES.find(([id]) => id === draft.type)?.[2]}. It cannot change later.</div>
          </div>
        </>
      )}
      <TypeSettings draft={draft} set={set} errors={errors} />
      <div className="field">
        <Checkbox
          isSelected={draft.required}
          onChange={required => set({ required })}
          title="Required"
          note="New contacts need a value. Contacts without one stay as they are until they are replaced."
        />
      </div>
      {has.unique(draft.type) && (
        <div className="field" data-error={errors.unique ? true : undefined}>
          <Checkbox
            isSelected={draft.unique}
            onChange={unique => set({ unique })}
            title="Unique"
            note="No two contacts of this agent may have the same value."
          />
          {errors.unique && <div className="error">{errors.unique}</div>}
        </div>
      )}
      {!(draft.unique && has.unique(draft.type)) && (
        <ValueField
          key={draft.type}
          label="Default"
          optional
          rules={rules(draft)}
          value={draft.default}
          onChange={value => set({ default: value })}
          error={errors.default}
        />
      )}
      {warning ? (
        <Notice kind="warn" role="alert">
          {warning}
        </Notice>
      ) : (
        <FormError error={save.error} />
      )}
    </FormDialog>
  )
}

function Fixed({ name, value, isCode }: { name: string; value: string; isCode?: boolean }) {
  return (
    <div className="field">
      <span className="name">{name}</span>
      <div className="fixed">{isCode ? <code>{value}</code> : value}</div>
    </div>
  )
}

/** What fields of that type alone have. */
function TypeSettings({ draft, set, errors }: { draft: Draft; set: (part: Partial<Draft>) => void; errors: Errors }) {
  if (has.options(draft.type)) {
    return (
      <Words
        label="Options"
        one="option"
        value={draft.options}
        pending={draft.option}
        onChange={(options, option) => set({ options, option })}
        most={OPTIONS_MOST}
        longest={OPTION_LENGTH}
        placeholder="Gold"
        error={errors.options}
      />
    )
  }
  const numeric = { autoComplete: 'off', inputMode: 'decimal' } as const
  if (has.range(draft.type)) {
    return (
      <div className="two">
        <TextField
          label="Smallest value"
          optional
          value={draft.minimum}
          onChange={minimum => set({ minimum })}
          error={errors.minimum}
          inputProps={numeric}
        />
        <TextField
          label="Largest value"
          optional
          value={draft.maximum}
          onChange={maximum => set({ maximum })}
          error={errors.maximum}
          inputProps={numeric}
        />
      </div>
    )
  }
  if (has.length(draft.type)) {
    return (
      <TextField
        label="Most characters"
        optional
        value={draft.maxLength}
        onChange={maxLength => set({ maxLength })}
        error={errors.maxLength}
        help={`From 1 to 4,000. Default ${draft.type === 'TEXT' ? '255' : '4,000'}.`}
        inputProps={numeric}
      />
    )
  }
  return null
}
