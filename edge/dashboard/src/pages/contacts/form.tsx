import { useRef, useState } from 'react'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { faults, Refused } from '../../api/client'
import {
  contactQuery,
  contactsChanged,
  createContact,
  twinsQuery,
  updateContact,
  type Contact,
  type OnDuplicate,
  type Stage,
} from '../../api/contacts'
import { fieldsQuery, type Field } from '../../api/fields'
import { Button } from '../../ui/button'
import { Checkbox } from '../../ui/choice'
import { Dialog, FormDialog } from '../../ui/dialog'
import { TextField } from '../../ui/field'
import { useErrors } from '../../ui/focus'
import { length, visible } from '../../ui/format'
import { newIdempotencyKey } from '../../ui/idempotency'
import { Select } from '../../ui/select'
import { Failed, FormError, Notice } from '../../ui/states'
import { Text } from '../../ui/text'
import { useToast } from '../../ui/toast'
import { Words } from '../../ui/words'
import {
  changes,
  customName,
  draftOf,
  LENGTH,
  problems,
  settings,
  TAG_LENGTH,
  TAGS_MOST,
  undeclared,
  type Draft,
  type Errors,
} from './draft'
import { calledContact, STAGES } from './names'
import { ValueField } from './value-field'
import { shown } from './values'

type Props = {
  agentId: string
  /** The contact that is changed. */
  contact?: Contact
  onClose: () => void
  onMade?: (contact: Contact) => void
  /** What was typed and not yet sent: kept while the page stays open. */
  kept?: Draft | null
  onKeep?: (draft: Draft | null) => void
}

/** Makes a contact, or changes one. What its fields are has to be known first. */
export function ContactForm(props: Props) {
  const fields = useQuery(fieldsQuery(props.agentId))
  if (fields.data) return <Form {...props} fields={fields.data} />
  return (
    <Dialog open size="wide" busy={fields.isPending} onClose={props.onClose} title={titleOf(props.contact)}>
      {fields.isError && <Failed what="Contact fields" error={fields.error} onRetry={() => fields.refetch()} />}
    </Dialog>
  )
}

const titleOf = (contact?: Contact) => (contact ? 'Edit contact' : 'Add a contact')

/** Whether the only thing wrong is that another contact has the same email address or mobile number. */
const isTwin = (error: unknown) =>
  error instanceof Refused &&
  error.code === 'already_exists' &&
  error.details.length > 0 &&
  error.details.every(({ field }) => field === 'email' || field === 'mobileNumber')

function Form({ agentId, contact, onClose, onMade, kept, onKeep, fields }: Props & { fields: Field[] }) {
  const client = useQueryClient()
  const say = useToast()
  const idempotencyKey = useRef(newIdempotencyKey())
  // The contact as it was when the form was filled: what others change meanwhile must not slip in.
  const [base, setBase] = useState(contact)
  const [draft, setDraft] = useState<Draft>(() => kept ?? draftOf(contact, fields))
  const { form, errors, setErrors, refuse } = useErrors<Errors>()
  const changed = base && changes(draft, base, fields)
  const isDirty = !changed || Object.keys(changed).length > 0
  const save = useMutation({
    mutationFn: (onDuplicate: OnDuplicate) =>
      base && changed
        ? updateContact(agentId, base, changed, onDuplicate)
        : createContact(agentId, settings(draft, fields), onDuplicate, idempotencyKey.current),
    onSuccess: saved => {
      say(base ? 'Contact updated.' : 'Contact created.')
      onKeep?.(null)
      onClose()
      if (!base) onMade?.(saved)
    },
    onError: error => {
      // A refusal made nothing, so what is sent next is another request. Without an answer it is the same one.
      if (error instanceof Refused && error.status >= 400 && error.status < 500) {
        idempotencyKey.current = newIdempotencyKey()
      }
      if (!isTwin(error)) refuse(faults(error))
    },
    onSettled: () => contactsChanged(client, agentId),
  })
  const hasTwin = isTwin(save.error)
  const isStale = save.error instanceof Refused && save.error.code === 'precondition_failed'
  const startAgain = async () => {
    if (!base) return
    const theirs = await client.fetchQuery({ ...contactQuery(agentId, base.id), staleTime: 0 })
    setBase(theirs)
    setDraft(draftOf(theirs, fields))
    setErrors({})
    save.reset()
  }
  const set = (part: Partial<Draft>) => {
    // What was warned of is what was asked for then.
    if (hasTwin) save.reset()
    const next = { ...draft, ...part }
    setDraft(next)
    if (Object.keys(errors).length) setErrors(problems(next, base, fields))
  }
  const submit = () => {
    if (refuse(problems(draft, base, fields))) return
    save.mutate(hasTwin ? 'allow' : 'reject')
  }
  const close = () => {
    onKeep?.(draft)
    onClose()
  }
  const action = base ? 'Save changes' : 'Add contact'
  return (
    <FormDialog
      size="wide"
      onClose={close}
      title={titleOf(base)}
      subtitle={base && visible(calledContact(base))}
      action={hasTwin ? `${action} all the same` : action}
      pending={save.isPending}
      isDisabled={!isDirty || isStale}
      formRef={form}
      onSend={submit}
    >
      {isStale && (
        <Notice
          kind="bad"
          role="alert"
          actions={
            <Button size="small" onPress={startAgain}>
              Start again from theirs
            </Button>
          }
        >
          <b className="strong">Somebody changed this contact meanwhile.</b> Your changes are not saved.
        </Notice>
      )}
      <Standard draft={draft} set={set} errors={errors} />
      {fields.length > 0 && (
        <section className="form-part" aria-labelledby="form-custom">
          <h3 id="form-custom">Custom fields</h3>
          {fields.map(field => (
            <ValueField
              key={field.key}
              label={visible(field.title)}
              optional={!field.required}
              rules={field}
              value={draft.custom[field.key] ?? ''}
              onChange={value => set({ custom: { ...draft.custom, [field.key]: value } })}
              error={errors[customName(field.key)]}
            />
          ))}
        </section>
      )}
      {base && <Undeclared contact={base} fields={fields} draft={draft} set={set} />}
      {hasTwin ? <Twins agentId={agentId} id={base?.id} draft={draft} /> : !isStale && <FormError error={save.error} />}
    </FormDialog>
  )
}

type Part = { draft: Draft; set: (part: Partial<Draft>) => void; errors: Errors }

const off = { autoComplete: 'off', 'data-1p-ignore': true }

function Standard({ draft, set, errors }: Part) {
  return (
    <>
      <TextField
        label="Name"
        value={draft.name}
        onChange={name => set({ name })}
        error={errors.name}
        autoFocus
        inputProps={off}
      />
      <div className="two">
        <TextField
          label="Email"
          value={draft.email}
          onChange={email => set({ email })}
          error={errors.email}
          inputProps={{ ...off, inputMode: 'email', spellCheck: false }}
        />
        <TextField
          label="Mobile number"
          value={draft.mobileNumber}
          onChange={mobileNumber => set({ mobileNumber })}
          error={errors.mobileNumber}
          placeholder="+47 900 12 345"
          inputProps={{ ...off, inputMode: 'tel' }}
        />
      </div>
      <div className="two">
        <Select
          label="Stage"
          value={draft.stage || 'NONE'}
          onChange={stage => set({ stage: stage === 'NONE' ? '' : (stage as Stage) })}
          items={[{ id: 'NONE', name: 'None' }, ...STAGES.map(([id, name]) => ({ id, name }))]}
        />
        <TextField
          label="Source"
          optional
          value={draft.source}
          onChange={source => set({ source })}
          error={errors.source}
          placeholder="website"
          inputProps={off}
        />
      </div>
      <div className="two">
        <TextField
          label="Reference"
          optional
          value={draft.externalReferenceId}
          onChange={externalReferenceId => set({ externalReferenceId })}
          error={errors.externalReferenceId}
          help="Your own id of the contact, unique for this agent."
          inputProps={{ ...off, spellCheck: false }}
        />
        <TextField
          label="Gender"
          optional
          value={draft.gender}
          onChange={gender => set({ gender })}
          error={errors.gender}
          inputProps={off}
        />
      </div>
      <Words
        label="Tags"
        one="tag"
        optional
        value={draft.tags}
        pending={draft.tag}
        onChange={(tags, tag) => set({ tags, tag })}
        most={TAGS_MOST}
        longest={TAG_LENGTH}
        placeholder="newsletter"
        error={errors.tags}
      />
      <TextField
        label="Notes"
        optional
        lines={3}
        value={draft.notes}
        onChange={notes => set({ notes })}
        error={errors.notes}
        count={[length(draft.notes), LENGTH.notes]}
      />
    </>
  )
}

/** Values that no field is declared for: they can only go. */
function Undeclared({
  contact,
  fields,
  draft,
  set,
}: {
  contact: Contact
  fields: Field[]
  draft: Draft
  set: Part['set']
}) {
  const rest = undeclared(contact, fields)
  if (rest.length === 0) return null
  const turn = (key: string, isGone: boolean) =>
    set({ removed: isGone ? [...draft.removed, key] : draft.removed.filter(other => other !== key) })
  return (
    <section className="form-part" aria-labelledby="form-undeclared">
      <h3 id="form-undeclared">Values without a field</h3>
      {rest.map(([key, value]) => (
        <Checkbox
          key={key}
          isSelected={draft.removed.includes(key)}
          onChange={isGone => turn(key, isGone)}
          title={`Remove ${key}`}
          note={<Text clip>{shown(undefined, value)}</Text>}
        />
      ))}
    </section>
  )
}

/** Others that have the same email address or mobile number. */
function Twins({ agentId, id, draft }: { agentId: string; id?: string; draft: Draft }) {
  const { data } = useQuery(
    twinsQuery(agentId, { id, email: draft.email.trim(), mobileNumber: draft.mobileNumber.trim() }),
  )
  return (
    <Notice kind="warn" role="alert">
      <b className="strong">Another contact has this email address or mobile number.</b> It may be the same person.
      {data && data.length > 0 && (
        <ul>
          {data.map(twin => (
            <li key={twin.id}>
              <Text>{calledContact(twin)}</Text>
              {twin.status === 'ARCHIVED' && <span className="muted"> (archived)</span>}
            </li>
          ))}
        </ul>
      )}
    </Notice>
  )
}
