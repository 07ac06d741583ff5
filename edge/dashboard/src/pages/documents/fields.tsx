import { useState } from 'react'
import * as A from 'react-aria-components'
import { Pencil } from 'lucide-react'
import { faults, Refused, wording } from '../../api/client'
import type { Correction } from '../../api/documents'
import { Button, IconButton } from '../../ui/button'
import { TextField } from '../../ui/field'
import { visible } from '../../ui/format'
import { icoS } from '../../ui/icons'
import { Select } from '../../ui/select'
import { Notice } from '../../ui/states'
import { Tag } from '../../ui/tag'
import { Text } from '../../ui/text'
import { corrected, shown, typed, wordsAs, type Leaf } from './values'
import { Confidence } from './words'

type Saving = {
  pending: boolean
  error: Error | null
  onSave: (to: Correction[], done: string) => void
}

/** The values of a result beside its page. */
export function Fields({
  leaves,
  corrections,
  lit,
  onLight,
  page,
  onTurn,
  editing,
  onEdit,
  clicked,
  ...saving
}: Saving & {
  leaves: Leaf[]
  corrections: Correction[]
  /** The path of the value that is lit on the page. */
  lit: string | null
  onLight: (path: string | null) => void
  /** The page that is shown. */
  page: number
  onTurn: (page: number) => void
  editing: string | null
  /** Unset for those who may only look. */
  onEdit?: (path: string | null) => void
  /** What was clicked on the page for the value that is being corrected. */
  clicked?: string
}) {
  const found = leaves.filter(leaf => leaf.value !== null).length
  return (
    <section className="card" aria-labelledby="fields">
      <div className="card-head">
        <h2 id="fields">Fields</h2>
        <span className="small faint num">
          {found} of {leaves.length} found
        </span>
      </div>
      <ul className="fields">
        {leaves.map(leaf => (
          <li
            key={leaf.path}
            className={lit === leaf.path ? 'on' : undefined}
            onPointerEnter={() => onLight(leaf.path)}
            onPointerLeave={() => onLight(null)}
          >
            {editing === leaf.path && onEdit ? (
              <Editor
                leaf={leaf}
                corrections={corrections}
                clicked={clicked}
                onClose={() => onEdit(null)}
                {...saving}
              />
            ) : (
              <>
                <div>
                  <div className="k">
                    <Text>{leaf.label}</Text>
                  </div>
                  <Value leaf={leaf} />
                </div>
                <div className="row nowrap">
                  <On leaf={leaf} page={page} onTurn={onTurn} />
                  {leaf.isCorrected ? (
                    <Tag kind="contacts" mini>
                      Corrected
                    </Tag>
                  ) : (
                    leaf.value !== null && <Confidence of={leaf.confidence} />
                  )}
                  {onEdit && !leaf.isWhole && (
                    <IconButton
                      label={`Correct ${visible(leaf.label)}`}
                      onFocus={() => onLight(leaf.path)}
                      onPress={() => onEdit(leaf.path)}
                    >
                      <Pencil {...icoS} />
                    </IconButton>
                  )}
                </div>
              </>
            )}
          </li>
        ))}
      </ul>
    </section>
  )
}

/** The page of a value: said to screen readers, and where it is another one, the way there. */
function On({ leaf, page, onTurn }: { leaf: Leaf; page: number; onTurn: (page: number) => void }) {
  if (leaf.page === null) return null
  const number = leaf.page
  if (number === page) return <span className="sr">Page {number}</span>
  return (
    <A.Button className="link quiet small" onPress={() => onTurn(number)}>
      Page {number}
    </A.Button>
  )
}

function Value({ leaf }: { leaf: Leaf }) {
  if (leaf.value === null) return <div className="v null">Not in the document</div>
  const value = shown(leaf.value)
  return (
    <div className="v">
      <Text>{value}</Text>
      {leaf.text !== null && leaf.text !== value && !leaf.isCorrected && (
        <span className="verbatim">
          {' '}
          “<Text>{leaf.text}</Text>”
        </span>
      )}
    </div>
  )
}

/** The form in which a value is corrected: typed, or taken from the words that are clicked on the page. */
function Editor({
  leaf,
  corrections,
  clicked,
  pending,
  error,
  onSave,
  onClose,
}: Saving & { leaf: Leaf; corrections: Correction[]; clicked?: string; onClose: () => void }) {
  const [text, setText] = useState(leaf.value === null ? '' : shown(leaf.value))
  const [fault, setFault] = useState<string>()
  const [taken, setTaken] = useState(clicked)
  if (clicked !== taken) {
    // Other words were clicked: they take the place of what was there.
    setTaken(clicked)
    if (clicked !== undefined) setText(wordsAs(leaf.schema, clicked))
    setFault(undefined)
  }
  const set = (value: unknown) => onSave(corrected(corrections, leaf.path, { value }), 'Correction saved.')
  const choices = leaf.schema.enum?.filter(one => one !== null)
  // A list of choices shows no fault of its own.
  const refused = choices ? undefined : Object.values(faults(error))[0]
  return (
    <form
      className="editor"
      noValidate
      autoComplete="off"
      onSubmit={event => {
        event.preventDefault()
        const said = typed(leaf.schema, text)
        if ('fault' in said) return setFault(said.fault)
        if (!pending) set(said.value)
      }}
      onKeyDown={event => {
        if (event.key === 'Escape') onClose()
      }}
    >
      {choices ? (
        <Select
          label={visible(leaf.label)}
          value={text}
          onChange={setText}
          items={choices.map(one => ({ id: shown(one), name: <Text>{shown(one)}</Text>, text: shown(one) }))}
        />
      ) : (
        <TextField
          label={<Text>{leaf.label}</Text>}
          value={text}
          onChange={setText}
          error={fault ?? refused}
          help="Type it, or click its words on the page."
          autoFocus
          inputProps={{ autoComplete: 'off', spellCheck: false }}
        />
      )}
      {error && !refused && (
        <Notice kind="bad" role="alert">
          {error instanceof Refused && error.code === 'not_found' ? 'The document was deleted.' : wording(error)}
        </Notice>
      )}
      <div className="row">
        <Button size="small" kind="primary" type="submit" pending={pending}>
          Save
        </Button>
        {(leaf.value !== null || !leaf.isCorrected) && (
          <Button size="small" isDisabled={pending} onPress={() => set(null)}>
            Not in the document
          </Button>
        )}
        {leaf.isCorrected && (
          <Button
            size="small"
            isDisabled={pending}
            onPress={() => onSave(corrected(corrections, leaf.path), 'Correction taken back.')}
          >
            Take back
          </Button>
        )}
        <Button size="small" kind="ghost" onPress={onClose}>
          Cancel
        </Button>
      </div>
    </form>
  )
}
