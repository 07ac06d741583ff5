import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router'
import { FileText, SearchX } from 'lucide-react'
import { agentsQuery } from '../../api/agents'
import { documentsQuery, templatesQuery, type Job, type Status } from '../../api/documents'
import { useCanWrite } from '../../api/session'
import type { DocumentsSearch } from '../../router'
import { Button } from '../../ui/button'
import { ago, exact, visible } from '../../ui/format'
import { ico } from '../../ui/icons'
import { List } from '../../ui/list'
import { Older } from '../../ui/older'
import { Page } from '../../ui/page'
import { FilterSelect } from '../../ui/select'
import { Empty } from '../../ui/states'
import { Text } from '../../ui/text'
import { Send } from './send'
import { Confidence, Progress } from './words'

const STATUSES: { id: Status; name: string }[] = [
  { id: 'SUCCEEDED', name: 'Done' },
  { id: 'RUNNING', name: 'Being read' },
  { id: 'QUEUED', name: 'Queued' },
  { id: 'FAILED', name: 'Failed' },
]
const ANY = 'ANY'

/** What a document is called: by its name, or by its id. */
export const calledDocument = (job: Pick<Job, 'fileName' | 'id'>): string => job.fileName || job.id

export function Documents() {
  const { agent: id } = useParams({ strict: false }) as { agent: string }
  const search = useSearch({ strict: false }) as DocumentsSearch
  const go = useNavigate()
  const canWrite = useCanWrite()
  const agent = useQuery(agentsQuery).data?.find(agent => agent.id === id)
  const templates = useQuery(templatesQuery(id)).data ?? []
  const documents = useInfiniteQuery(documentsQuery(id, search))
  const items = documents.data?.pages.flatMap(page => page.items)
  const name = agent ? visible(agent.name) : 'Agent'
  const isFiltered = Boolean(search.status || search.template)
  const narrow = (to: DocumentsSearch) =>
    go({ to: '/agents/$agent/documents', params: { agent: id }, search: { ...search, ...to }, replace: true })
  return (
    <Page
      crumbs={[{ name }, { name: 'Documents' }]}
      about={['Documents', agent?.name]}
      title="Documents"
      subtitle="Structured data out of documents, each value with its place on the page."
    >
      {canWrite && <Send agent={id} />}
      {(isFiltered || items?.length !== 0) && (
        <div className="toolbar">
          <FilterSelect
            label="Status"
            value={search.status}
            onChange={status => narrow({ status })}
            items={[{ id: ANY, name: 'All statuses' }, ...STATUSES]}
          />
          <FilterSelect
            label="Template"
            value={search.template}
            onChange={template => narrow({ template })}
            items={[
              { id: ANY, name: 'All templates' },
              ...templates.map(({ name, title }) => ({
                id: name,
                name: <Text>{title || name}</Text>,
                text: title || name,
              })),
            ]}
          />
        </div>
      )}
      <div className="card">
        <List
          of={documents}
          items={items}
          what="Documents"
          caption={<>Documents of {name}</>}
          columns={[
            'Document',
            'Template',
            'Status',
            { name: 'Pages', className: 'right' },
            'Lowest confidence',
            'Received',
          ]}
          bones={[8, 70, 50, 40, 20, 50, 40]}
          empty={
            isFiltered ? (
              <Empty
                icon={<SearchX {...ico} />}
                title="No document matches"
                action={
                  <Button onPress={() => narrow({ status: undefined, template: undefined })}>Clear filters</Button>
                }
              >
                Look at all statuses and templates.
              </Empty>
            ) : (
              <Empty icon={<FileText {...ico} />} title="No documents yet.">
                {canWrite
                  ? 'Drop one above, or let an API key send them. What is found in them appears here.'
                  : 'Documents that an API key sends appear here.'}
              </Empty>
            )
          }
          foot={<Older of={documents} />}
        >
          {job => (
            <Row key={job.id} agent={id} job={job} template={templates.find(one => one.name === job.template)?.title} />
          )}
        </List>
      </div>
    </Page>
  )
}

function Row({ agent, job, template }: { agent: string; job: Job; template: string | undefined }) {
  return (
    <tr>
      <td>
        <Link to="/agents/$agent/documents/$document" params={{ agent, document: job.id }} className="name">
          <Text clip>{calledDocument(job)}</Text>
        </Link>
      </td>
      <td className="muted">
        {job.template ? <Text clip>{template ?? job.template}</Text> : <span className="faint">Own schema</span>}
      </td>
      <td>
        <Progress job={job} />
      </td>
      <td className="num right">{job.pageCount}</td>
      <td>
        {job.lowestConfidence !== null && job.lowestConfidence !== undefined && (
          <Confidence of={job.lowestConfidence} wide />
        )}
      </td>
      <td className="num nowrap muted" title={exact(job.createdAt)}>
        {ago(job.createdAt)}
      </td>
    </tr>
  )
}
