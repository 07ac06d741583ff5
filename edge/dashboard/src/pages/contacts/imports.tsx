import type { ReactNode } from 'react'
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { Link, useParams } from '@tanstack/react-router'
import { FileUp } from 'lucide-react'
import { agentsQuery } from '../../api/agents'
import { importErrorsQuery, importOneQuery, importsQuery, type Import } from '../../api/imports'
import { exact, num, stamp } from '../../ui/format'
import { ico } from '../../ui/icons'
import { List } from '../../ui/list'
import { Older } from '../../ui/older'
import { One } from '../../ui/one'
import { Page } from '../../ui/page'
import { Empty, Failed, Notice } from '../../ui/states'
import { Tag } from '../../ui/tag'
import { Message, Text } from '../../ui/text'
import { Counts, ImportStatus, RefusedRows } from './report'

/** What an import is called: by its label without what makes that unique, or by its id. */
const calledImport = ({ label, id }: Import) => label?.replace(/ [0-9a-f]{8}$/, '') || id

function useCrumbs(agentId: string) {
  const agent = useQuery(agentsQuery).data?.find(agent => agent.id === agentId)
  const name: ReactNode = agent ? <Text>{agent.name}</Text> : '…'
  return [{ name }, { name: 'Contacts', to: `/agents/${agentId}/contacts` }]
}

/** The imports of an agent's contacts. */
export function Imports() {
  const { agent: agentId } = useParams({ strict: false }) as { agent: string }
  const list = useInfiniteQuery(importsQuery(agentId))
  const items = list.data?.pages.flatMap(page => page.items)
  const crumbs = useCrumbs(agentId)
  return (
    <Page
      crumbs={[...crumbs, { name: 'Imports' }]}
      about={['Imports', 'Contacts']}
      title="Imports"
      subtitle="Files that became contacts, and the report of each. Kept for 30 days."
    >
      <div className="card">
        <List
          of={list}
          items={items}
          what="Imports"
          columns={[
            'File or label',
            'Status',
            { name: 'Rows', className: 'right' },
            { name: 'New', className: 'right' },
            { name: 'Changed', className: 'right' },
            { name: 'Refused', className: 'right' },
            'Began',
          ]}
          bones={[4, 60, 50, 30, 30, 30, 30, 50]}
          empty={
            <Empty icon={<FileUp {...ico} />} title="No imports yet.">
              Files that members and API keys import appear here.
            </Empty>
          }
          foot={<Older of={list} />}
        >
          {one => <Row key={one.id} agentId={agentId} one={one} />}
        </List>
      </div>
    </Page>
  )
}

function Row({ agentId, one }: { agentId: string; one: Import }) {
  return (
    <tr>
      <td>
        <Link to="/agents/$agent/contact-imports/$import" params={{ agent: agentId, import: one.id }} className="name">
          <Text clip>{calledImport(one)}</Text>
        </Link>{' '}
        {one.dryRun && <Tag mini>Check only</Tag>}
      </td>
      <td>
        <ImportStatus of={one} />
      </td>
      <td className="num right">{num(one.rows)}</td>
      <td className="num right">{num(one.created)}</td>
      <td className="num right">{num(one.updated)}</td>
      <td className="num right">{num(one.failed)}</td>
      <td className="muted num nowrap" title={exact(one.createdAt)}>
        {stamp(one.createdAt)}
      </td>
    </tr>
  )
}

/** What became of an import, line by line where it was refused. */
export function ImportReport() {
  const { agent: agentId, import: id } = useParams({ strict: false }) as { agent: string; import: string }
  const query = useQuery(importOneQuery(agentId, id))
  const errors = useInfiniteQuery({ ...importErrorsQuery(agentId, id), enabled: !!query.data?.failed })
  const rows = errors.data?.pages.flatMap(page => page.items)
  const crumbs = useCrumbs(agentId)
  const one = query.data
  const list = `/agents/${agentId}/contact-imports`
  return (
    <Page
      crumbs={[
        ...crumbs,
        { name: 'Imports', to: list },
        { name: one ? <Text clip>{calledImport(one)}</Text> : 'Import' },
      ]}
      about={['Import', 'Contacts']}
      title={one ? <Text clip>{calledImport(one)}</Text> : 'Import'}
      status={one && <ImportStatus of={one} />}
      subtitle={
        one &&
        `Began ${exact(one.createdAt)}${one.finishedAt ? `, ended ${exact(one.finishedAt)}` : ''}${one.dryRun ? '. Check only: nothing was written.' : ''}`
      }
    >
      <One of={query} what="import" icon={<FileUp {...ico} />} list={list} why="Imports are kept for 30 days.">
        {one => (
          <div className="stack">
            {one.error && (
              <Notice kind="bad">
                <Message>{one.error.message}</Message>
              </Notice>
            )}
            {one.status === 'INTERRUPTED' && (
              <Notice kind="warn">
                It was cut off before its end. What is counted is written; import the file again for the rest.
              </Notice>
            )}
            <div className="card pad">
              <Counts of={one} />
            </div>
            {one.failed > 0 && (
              <section className="card" aria-labelledby="refused-rows">
                <div className="card-head">
                  <h2 id="refused-rows">Refused rows</h2>
                </div>
                {errors.isError && !rows ? (
                  <Failed what="Refused rows" error={errors.error} onRetry={() => errors.refetch()} />
                ) : (
                  <>
                    <RefusedRows rows={rows ?? []} />
                    <Older of={errors} order="In the order of the file" />
                  </>
                )}
              </section>
            )}
          </div>
        )}
      </One>
    </Page>
  )
}
