import { useRef, useState } from 'react'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Link, useBlocker } from '@tanstack/react-router'
import { Refused, wording } from '../../api/client'
import { contactsChanged } from '../../api/contacts'
import { fieldsQuery } from '../../api/fields'
import { importByLabel, importContacts, type Import, type ImportOptions } from '../../api/imports'
import { Button } from '../../ui/button'
import { Dialog, FormDialog } from '../../ui/dialog'
import { num, visible } from '../../ui/format'
import { newIdempotencyKey } from '../../ui/idempotency'
import { Notice } from '../../ui/states'
import { Message, Text } from '../../ui/text'
import { columnFault, decode, guess, LOOKED_AT, mapping, opening, targets } from './csv'
import { ChooseFile, Columns, WaysFields, type Chosen, type Ways } from './import-steps'
import { Counts, RefusedRows } from './report'

/** The largest file that is taken, in bytes. */
const MOST = 1024 * 1024 * 1024
/** As much of a file's name as an import is called by, in characters. */
const NAME_SHOWN = 80

/** Imports contacts from a file: which, what its columns are, how far it is, and what became of its rows. */
export function ImportDialog({ agentId, onClose }: { agentId: string; onClose: () => void }) {
  const fields = useQuery(fieldsQuery(agentId)).data ?? []
  const [step, setStep] = useState<1 | 2>(1)
  const [chosen, setChosen] = useState<Chosen | null>(null)
  const [fault, setFault] = useState<string | null>(null)
  const [ways, setWays] = useState<Ways>({ onDuplicate: 'reject' })
  const run = useRun(agentId)
  const possible = chosen ? targets(chosen.opening.columns, fields) : []
  const columns = chosen ? (chosen.columns ?? guess(chosen.opening.columns, possible)) : []

  const choose = async (file: File | undefined) => {
    if (!file) return
    setFault(null)
    setChosen(null)
    if (file.size > MOST) return setFault('The file is larger than 1 GiB.')
    const text = decode(new Uint8Array(await file.slice(0, LOOKED_AT).arrayBuffer()))
    const found = opening(text, file.size <= LOOKED_AT)
    if (!found) return setFault('The first line of the file must name the columns.')
    setChosen({ file, opening: found })
  }
  const start = (dryRun: boolean) => {
    if (!chosen) return
    const wrong = columnFault(chosen.opening.columns, columns)
    setFault(wrong)
    if (wrong) return
    run.start(chosen.file, {
      ...ways,
      dryRun,
      label: '',
      delimiter: chosen.opening.delimiter,
      mapping: mapping(chosen.opening.columns, columns),
      ignoreUnknownColumns: chosen.opening.columns.includes(''),
    })
  }
  if (run.phase === 'running') return <Running run={run} />
  if (run.phase === 'done' && run.outcome) {
    return (
      <Done
        agentId={agentId}
        outcome={run.outcome}
        onClose={onClose}
        onBack={run.reset}
        onImport={() => {
          run.reset()
          start(false)
        }}
      />
    )
  }
  const next = () => {
    if (!chosen) return setFault('Choose a file first.')
    if (step === 1) {
      setFault(null)
      return setStep(2)
    }
    start(false)
  }
  return (
    <FormDialog
      size="wide"
      onClose={onClose}
      title="Import contacts"
      steps={[step, 2]}
      step={step}
      subtitle={step === 1 ? 'Step 1 of 2 — Choose a file' : 'Step 2 of 2 — Say what its columns are'}
      action={step === 1 ? 'Next' : 'Import'}
      cancel={
        step === 2 ? (
          <>
            <div className="grow">
              <Button kind="ghost" onPress={() => setStep(1)}>
                Back
              </Button>
            </div>
            <Button onPress={() => start(true)}>Check only</Button>
          </>
        ) : undefined
      }
      onSend={next}
    >
      {step === 1 ? (
        <>
          <ChooseFile chosen={chosen} onChoose={choose} />
          <WaysFields ways={ways} set={part => setWays({ ...ways, ...part })} />
        </>
      ) : (
        chosen && (
          <Columns
            opening={chosen.opening}
            possible={possible}
            chosen={columns}
            onChange={columns => setChosen({ ...chosen, columns })}
          />
        )
      )}
      {fault && (
        <Notice kind="bad" role="alert">
          <Text>{fault}</Text>
        </Notice>
      )}
      {run.error && <NotImported error={run.error} onGoOn={run.goOn} />}
    </FormDialog>
  )
}

type Run = ReturnType<typeof useRun>

/** An import that was asked for. What was cut off goes on where it stood, as long as this is open. */
function useRun(agentId: string) {
  const client = useQueryClient()
  const abort = useRef<AbortController>(null)
  const [asked, setAsked] = useState<{ file: File; options: ImportOptions; key?: string } | null>(null)
  const send = useMutation({
    mutationFn: ({ file, options, key }: NonNullable<typeof asked>) => {
      abort.current = new AbortController()
      return importContacts(agentId, file, options, abort.current.signal, key)
    },
    onSettled: () => {
      void client.invalidateQueries({ queryKey: ['imports', agentId] })
      void contactsChanged(client, agentId)
    },
  })
  const label = asked?.options.label ?? ''
  const progress = useQuery({
    queryKey: ['imports', agentId, 'label', label],
    queryFn: ({ signal }) => importByLabel(agentId, label, signal),
    enabled: send.isPending && label !== '',
    refetchInterval: 1_000,
    staleTime: 0,
  })
  return {
    phase: send.isPending ? 'running' : send.isSuccess ? 'done' : 'idle',
    outcome: send.data,
    error: send.error,
    progress: progress.data ?? null,
    file: asked?.file,
    dryRun: asked?.options.dryRun ?? false,
    start(file: File, options: ImportOptions) {
      // To find it by while it runs.
      const name = [...visible(file.name)].slice(0, NAME_SHOWN).join('')
      const next = {
        file,
        options: { ...options, label: `${name} ${newIdempotencyKey().slice(0, 8)}` },
        key: options.dryRun ? undefined : newIdempotencyKey(),
      }
      setAsked(next)
      send.mutate(next)
    },
    goOn: asked?.key ? () => send.mutate(asked) : undefined,
    stop: () => abort.current?.abort(),
    reset: () => send.reset(),
  }
}

function Running({ run: { file, progress, dryRun, stop } }: { run: Run }) {
  // Whoever leaves the page ends the import.
  useBlocker({ shouldBlockFn: () => false, enableBeforeUnload: true })
  return (
    <Dialog
      open
      onClose={stop}
      closeLabel="Stop"
      title={dryRun ? 'Checking' : 'Importing'}
      subtitle={file && visible(file.name)}
      foot={<Button onPress={stop}>Stop</Button>}
    >
      <div className="waiting" role="status">
        <span className="pulse" />
        {progress ? `${num(progress.rows)} rows so far` : 'The file is being sent'}
      </div>
      {progress && <Counts of={progress} />}
      <p className="muted">
        {dryRun
          ? 'Nothing is written.'
          : 'Keep this page open. Stopped, or cut off, the import can go on where it stood.'}
      </p>
    </Dialog>
  )
}

/** It was refused as a whole, or ended on the way. */
function NotImported({ error, onGoOn }: { error: unknown; onGoOn?: () => void }) {
  const isStopped = error instanceof DOMException
  const isCutOff = isStopped || (error instanceof Refused && (error.status === 0 || error.status >= 500))
  const details = error instanceof Refused ? error.details : []
  return (
    <Notice
      kind={isStopped ? 'warn' : 'bad'}
      role="alert"
      actions={
        isCutOff &&
        onGoOn && (
          <Button size="small" onPress={onGoOn}>
            Go on
          </Button>
        )
      }
    >
      {isStopped ? 'Stopped. What was counted so far is written.' : details.length === 0 && wording(error)}
      {details.length > 0 && (
        <ul>
          {details.map(({ message }, at) => (
            <li key={at}>
              <Message>{message}</Message>
            </li>
          ))}
        </ul>
      )}
    </Notice>
  )
}

function Done({
  agentId,
  outcome,
  onClose,
  onBack,
  onImport,
}: {
  agentId: string
  outcome: Import
  onClose: () => void
  onBack: () => void
  onImport: () => void
}) {
  const { dryRun, failed, errors, error } = outcome
  return (
    <Dialog
      open
      size="wide"
      onClose={onClose}
      title={dryRun ? 'Checked, nothing written' : 'Imported'}
      foot={
        dryRun ? (
          <>
            <Button kind="ghost" onPress={onBack}>
              Back
            </Button>
            <Button kind="primary" onPress={onImport}>
              Import
            </Button>
          </>
        ) : (
          <Button kind="primary" onPress={onClose}>
            Done
          </Button>
        )
      }
    >
      {error && (
        <Notice kind="bad" role="alert">
          <Message>{error.message}</Message>
        </Notice>
      )}
      <Counts of={outcome} />
      {failed > 0 && <RefusedRows rows={errors} />}
      {failed > errors.length && <p className="muted">The first {errors.length} of them are shown.</p>}
      {!dryRun && failed > 0 && (
        <p>
          <Link
            to="/agents/$agent/contact-imports/$import"
            params={{ agent: agentId, import: outcome.id }}
            className="link"
          >
            The report
          </Link>{' '}
          is kept for 30 days.
        </p>
      )}
    </Dialog>
  )
}
