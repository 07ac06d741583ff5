import { useMemo, useState } from 'react'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate, useParams } from '@tanstack/react-router'
import { FileText, Trash2 } from 'lucide-react'
import { agentsQuery } from '../../api/agents'
import { isNotFound } from '../../api/client'
import {
  correctDocument,
  deleteDocument,
  documentQuery,
  documentsChanged,
  templatesQuery,
  type Correction,
  type Job,
} from '../../api/documents'
import { useCanWrite } from '../../api/session'
import { Button } from '../../ui/button'
import { CopyButton } from '../../ui/copy'
import { DeleteDialog } from '../../ui/delete'
import { ago, exact, visible } from '../../ui/format'
import { ico } from '../../ui/icons'
import { One } from '../../ui/one'
import { Page } from '../../ui/page'
import { Empty, Notice } from '../../ui/states'
import { Text } from '../../ui/text'
import { useToast } from '../../ui/toast'
import { Fields } from './fields'
import { Learning } from './learning'
import { calledDocument } from './list'
import { Notices } from './notices'
import { Sheet } from './sheet'
import { leavesOf } from './values'
import { Progress } from './words'

export function DocumentPage() {
  const { agent: agentId, document: id } = useParams({ strict: false }) as { agent: string; document: string }
  const agent = useQuery(agentsQuery).data?.find(agent => agent.id === agentId)
  const query = useQuery(documentQuery(agentId, id))
  const canWrite = useCanWrite()
  const navigate = useNavigate()
  const [deleting, setDeleting] = useState(false)
  const job = query.data
  const list = `/agents/${agentId}/documents`
  const name = job ? visible(calledDocument(job)) : 'Document'
  const isMissing = isNotFound(query.error)
  return (
    <Page
      crumbs={[{ name: agent ? visible(agent.name) : 'Agent' }, { name: 'Documents', to: list }, { name }]}
      about={[name, 'Documents']}
      title={job ? <Text clip>{calledDocument(job)}</Text> : 'Document'}
      status={job && !isMissing && <Progress job={job} />}
      subtitle={job && <Subtitle agent={agentId} job={job} />}
      actions={
        job &&
        !isMissing && (
          <>
            {job.result && (
              <CopyButton
                text={JSON.stringify(job.result.data, null, 2)}
                label="Copy the values as JSON"
                toast="Values copied to clipboard"
              >
                Copy JSON
              </CopyButton>
            )}
            {canWrite && (
              <Button onPress={() => setDeleting(true)}>
                <Trash2 {...ico} />
                Delete
              </Button>
            )}
          </>
        )
      }
    >
      <One of={query} what="document" icon={<FileText {...ico} />} list={list}>
        {job => <Result key={job.id} agent={agentId} job={job} />}
      </One>
      {deleting && job && (
        <Delete agent={agentId} job={job} onClose={() => setDeleting(false)} onGone={() => navigate({ to: list })} />
      )}
    </Page>
  )
}

function Subtitle({ agent, job }: { agent: string; job: Job }) {
  const template = useQuery(templatesQuery(agent)).data?.find(one => one.name === job.template)?.title
  const pages = job.pageCount ? `, ${job.pageCount} ${job.pageCount === 1 ? 'page' : 'pages'}` : ''
  return (
    <>
      {job.template ? <Text>{template || job.template}</Text> : 'Own schema'}
      {pages}, <span title={exact(job.createdAt)}>{ago(job.createdAt).toLowerCase()}</span>
    </>
  )
}

function Result({ agent, job }: { agent: string; job: Job }) {
  if (job.status === 'FAILED') {
    return <Notice kind="bad">{job.error?.message ?? 'The document could not be read.'}</Notice>
  }
  if (!job.result) {
    return (
      <div className="card">
        <Empty
          icon={<FileText {...ico} />}
          title={job.status === 'QUEUED' ? 'It waits for its turn.' : 'It is being read.'}
        >
          What is found in it appears here by itself.
        </Empty>
      </div>
    )
  }
  return <Found agent={agent} job={job} result={job.result} />
}

/** The first page that was read, as far as it is known before any page is. */
function firstPage(job: Job, pages: (number | null)[]): number {
  const found = pages.filter(page => page !== null)
  if (found.length > 0) return Math.min(...found)
  return Number.parseInt(job.options?.pages ?? '', 10) || 1
}

function Found({ agent, job, result }: { agent: string; job: Job; result: NonNullable<Job['result']> }) {
  const client = useQueryClient()
  const say = useToast()
  const canWrite = useCanWrite()
  const corrections = job.corrections as Correction[]
  const leaves = useMemo(
    () => leavesOf(job.schema ?? {}, result.fields, corrections),
    [job.schema, result.fields, corrections],
  )
  const [page, setPage] = useState(() =>
    firstPage(
      job,
      leaves.map(leaf => leaf.page),
    ),
  )
  const [lit, setLit] = useState<string | null>(null)
  const [editing, setEditing] = useState<string | null>(null)
  // The words of the page that were clicked for the value that is being corrected.
  const [picked, setPicked] = useState<{ places: Set<number>; text: string }>()

  const turn = (number: number) => {
    setPicked(undefined)
    setPage(number)
  }
  const edit = (path: string | null) => {
    setPicked(undefined)
    setEditing(path)
    if (path !== null) {
      setLit(path)
      const on = leaves.find(leaf => leaf.path === path)?.page
      if (on) setPage(on)
    }
  }
  const sent = useMutation({
    mutationFn: ({ to }: { to: Correction[]; done: string }) => correctDocument(agent, job.id, to),
    onSuccess: (after, { done }) => {
      client.setQueryData(documentQuery(agent, job.id).queryKey, after)
      say(done)
      edit(null)
    },
  })
  return (
    <div className="doc">
      <Sheet
        agent={agent}
        job={job}
        number={page}
        onTurn={turn}
        leaves={leaves}
        lit={lit}
        onLight={setLit}
        onCorrect={canWrite ? edit : undefined}
        picked={editing === null ? undefined : (picked?.places ?? new Set())}
        onPick={(places, text) => setPicked({ places, text })}
      />
      <div className="stack">
        <Notices of={result.notices ?? []} />
        <Fields
          leaves={leaves}
          corrections={corrections}
          lit={lit}
          onLight={setLit}
          page={page}
          onTurn={turn}
          editing={editing}
          onEdit={canWrite ? edit : undefined}
          clicked={picked?.text}
          pending={sent.isPending}
          error={sent.error}
          onSave={(to, done) => sent.mutate({ to, done })}
        />
        {job.learning && <Learning of={job.learning} isTemplate={Boolean(job.template)} />}
      </div>
    </div>
  )
}

function Delete({
  agent,
  job,
  onClose,
  onGone,
}: {
  agent: string
  job: Job
  onClose: () => void
  onGone: () => Promise<void>
}) {
  const client = useQueryClient()
  return (
    <DeleteDialog
      name={calledDocument(job)}
      action="Delete document"
      toast="Document deleted."
      remove={() => deleteDocument(agent, job.id)}
      refresh={() => documentsChanged(client, agent)}
      onClose={onClose}
      // Nothing of it stays in memory, and nobody asks for it again: this page is left first.
      onGone={() => onGone().then(() => client.removeQueries({ queryKey: documentQuery(agent, job.id).queryKey }))}
    >
      <p>
        The document and what was found in it are permanently deleted.
        {job.corrections.length > 0 && ' What its corrections have taught is forgotten.'}
      </p>
    </DeleteDialog>
  )
}
