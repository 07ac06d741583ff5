import { useRef, useState } from 'react'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { faults, Refused } from '../../api/client'
import { addVersion, createTemplate, templatesChanged, type OwnTemplate } from '../../api/templates'
import { FormDialog } from '../../ui/dialog'
import { TextField } from '../../ui/field'
import { useErrors } from '../../ui/focus'
import { length } from '../../ui/format'
import { newIdempotencyKey } from '../../ui/idempotency'
import { FormError } from '../../ui/states'
import { useToast } from '../../ui/toast'
import { content, DESCRIPTION_LENGTH, draftOf, nameFor, problems, TITLE_LENGTH, type Draft, type Errors } from './draft'

/** The faults of a refusal; one within the schema, named by its place there, stands at the schema. */
function refusals(error: unknown): Errors {
  return Object.fromEntries(Object.entries(faults(error)).map(([field, fault]) => [field.split(/[./]/)[0], fault]))
}

/** Makes a template, or the next version of one. */
export function TemplateForm({
  template,
  onClose,
  onSaved,
}: {
  /** The latest version of the template that gets another one. */
  template?: OwnTemplate
  onClose: () => void
  onSaved?: (saved: OwnTemplate) => void
}) {
  const client = useQueryClient()
  const say = useToast()
  const idempotencyKey = useRef(newIdempotencyKey())
  const [before] = useState(() => draftOf(template))
  const [draft, setDraft] = useState(before)
  const { form, errors, setErrors, refuse } = useErrors<Errors>()
  const save = useMutation({
    mutationFn: () =>
      template
        ? addVersion(template.name, content(draft), idempotencyKey.current)
        : createTemplate(draft.name, content(draft), idempotencyKey.current),
    onSuccess: saved => {
      say(template ? `Version ${saved.version} added.` : 'Template added.')
      onClose()
      onSaved?.(saved)
    },
    onError: error => {
      refuse(refusals(error))
      // A refusal made nothing, so what is sent next is another request.
      if (error instanceof Refused && error.status >= 400 && error.status < 500) {
        idempotencyKey.current = newIdempotencyKey()
      }
    },
    onSettled: () => templatesChanged(client),
  })
  const set = (part: Partial<Draft>) => {
    const next = { ...draft, ...part }
    // A name that nobody has written follows the title.
    if (!template && part.title !== undefined && draft.name === nameFor(draft.title)) next.name = nameFor(part.title)
    setDraft(next)
    if (Object.keys(errors).length) setErrors(problems(next))
  }
  const submit = () => {
    if (refuse(problems(draft))) return
    save.mutate()
  }
  const isSame = (Object.keys(draft) as (keyof Draft)[]).every(key => draft[key] === before[key])
  return (
    <FormDialog
      onClose={onClose}
      size="wide"
      title={template ? 'Add a version' : 'Add a template'}
      subtitle={template ? 'Later documents use it. What was read with an earlier one stays as it is.' : undefined}
      action={template ? 'Add version' : 'Add template'}
      pending={save.isPending}
      isDisabled={template && isSame}
      formRef={form}
      onSend={submit}
    >
      <TextField
        label="Title"
        value={draft.title}
        onChange={title => set({ title })}
        error={errors.title}
        count={[length(draft.title.trim()), TITLE_LENGTH]}
        placeholder="Delivery note"
        autoFocus
        isRequired
        inputProps={{ autoComplete: 'off' }}
      />
      {!template && (
        <TextField
          label="Name"
          value={draft.name}
          onChange={name => set({ name })}
          error={errors.name}
          help="What the API calls it, in template. It cannot change later."
          placeholder="delivery-note"
          isRequired
          inputProps={{ autoComplete: 'off', spellCheck: false, className: 'mono' }}
        />
      )}
      <TextField
        label="Description"
        optional
        value={draft.description}
        onChange={description => set({ description })}
        error={errors.description}
        count={[length(draft.description), DESCRIPTION_LENGTH]}
        lines={2}
      />
      <TextField
        label="JSON Schema"
        value={draft.schema}
        onChange={schema => set({ schema })}
        error={errors.schema}
        lines={14}
        isRequired
        spellCheck="false"
        inputProps={{ className: 'mono' }}
        help="An object with a property for each value that is to be found. Titles and descriptions help to find it."
      />
      <FormError error={save.error} />
    </FormDialog>
  )
}
