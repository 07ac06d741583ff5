import { useState } from 'react'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import * as A from 'react-aria-components'
import { FileUp } from 'lucide-react'
import { wording } from '../../api/client'
import { documentsChanged, enginesQuery, sendDocument, templatesQuery, type Wanted } from '../../api/documents'
import { Button } from '../../ui/button'
import { TextField } from '../../ui/field'
import { visible } from '../../ui/format'
import { newIdempotencyKey } from '../../ui/idempotency'
import { Select } from '../../ui/select'
import { Notice } from '../../ui/states'
import { Text } from '../../ui/text'
import { useToast } from '../../ui/toast'
import { readSchema } from './schema-text'

/** In the select of templates: a schema that is typed here. */
const OWN = '+own'
/** In the select of engines: the one that comes with Keyward. */
const BUILT_IN = '+built-in'
/** What is offered first. */
const USUAL = 'invoice'
/** The largest document, in bytes. */
const MOST_BYTES = 100 * 1024 * 1024
const EXAMPLE = '{ "type": "object", "properties": { "total": { "type": "number" } } }'

/** Where documents are dropped or chosen, and what is to be found in them. */
export function Send({ agent }: { agent: string }) {
  const client = useQueryClient()
  const say = useToast()
  const templates = useQuery(templatesQuery(agent))
  const models = useQuery(enginesQuery(agent)).data?.filter(engine => !engine.builtIn) ?? []
  const [template, setTemplate] = useState<string>()
  const [engine, setEngine] = useState(BUILT_IN)
  const [schema, setSchema] = useState('')
  const [fault, setFault] = useState<string>()
  const [sending, setSending] = useState<string>()
  const [refused, setRefused] = useState<{ name: string; why: string }[]>([])
  const known = templates.data ?? []
  const chosen = template ?? (known.find(one => one.name === USUAL) ?? known[0])?.name ?? OWN

  // The operator may have taken it away meanwhile.
  const model = models.find(({ name }) => name === engine)?.name

  const wanted = (): Wanted | null => {
    if (chosen !== OWN) return { template: chosen, engine: model }
    const read = readSchema(schema)
    if ('schema' in read) return { ...read, engine: model }
    setFault(read.fault)
    return null
  }

  const send = async (files: File[]) => {
    if (sending !== undefined || files.length === 0) return
    const what = wanted()
    if (!what) return
    setFault(undefined)
    const failures: typeof refused = []
    setRefused(failures)
    for (const file of files) {
      setSending(file.name)
      try {
        if (file.size > MOST_BYTES) throw new TypeError('It is larger than 100 MiB.')
        await sendDocument(agent, file, what, newIdempotencyKey())
        say(`${visible(file.name)} is queued.`)
      } catch (error) {
        failures.push({ name: file.name, why: error instanceof TypeError ? error.message : wording(error) })
      }
      void documentsChanged(client, agent)
    }
    setSending(undefined)
    setRefused([...failures])
  }

  const items = [
    ...known.map(({ name, title }) => ({
      id: name,
      name: <Text>{title || name}</Text>,
      text: title || name,
    })),
    { id: OWN, name: 'Own schema', text: 'Own schema' },
  ]
  return (
    <div className="stack tight">
      <A.DropZone
        className="drop"
        onDrop={async event => {
          const files = event.items.filter(item => item.kind === 'file')
          await send(await Promise.all(files.map(file => file.getFile())))
        }}
      >
        <FileUp size={20} strokeWidth={1.5} aria-hidden />
        <A.Text slot="label">Drop a document here, or</A.Text>
        <A.FileTrigger allowsMultiple onSelect={files => send([...(files ?? [])])}>
          <Button size="small" pending={sending !== undefined}>
            Choose a file
          </Button>
        </A.FileTrigger>
        <span className="small faint hint">PDF, image, DOCX, XLSX, HTML, email, CSV or text, up to 100 MiB</span>
        <span className="grow" />
        <span className="small" aria-hidden>
          Read as
        </span>
        <Select hideLabel auto label="Read as" value={chosen} onChange={setTemplate} items={items} />
        {models.length > 0 && (
          <Select
            hideLabel
            auto
            label="Engine"
            value={model ?? BUILT_IN}
            onChange={setEngine}
            items={[
              { id: BUILT_IN, name: 'Built-in engine', text: 'Built-in engine' },
              ...models.map(({ name }) => ({ id: name, name: <Text>{name}</Text>, text: name })),
            ]}
          />
        )}
      </A.DropZone>
      {model && (
        <p className="small muted">
          The text of the document is sent to this language model, which the operator of Keyward has set up. Only what
          is then found in the document becomes a value.
        </p>
      )}
      {chosen === OWN && (
        <TextField
          label="JSON Schema"
          value={schema}
          onChange={setSchema}
          lines={6}
          placeholder={EXAMPLE}
          error={fault}
          help="What is to be found: an object with a property for each value. Titles and descriptions help to find it."
        />
      )}
      <p className="small muted" role="status">
        {sending !== undefined && (
          <>
            Sending <Text>{sending}</Text>
          </>
        )}
      </p>
      {refused.map(({ name, why }) => (
        <Notice key={name} kind="bad" role="alert">
          <Text>{name}</Text> was not taken. {why}
        </Notice>
      ))}
    </div>
  )
}
