import { Fragment } from 'react'
import { Navigate, useParams } from '@tanstack/react-router'
import { useQuery } from '@tanstack/react-query'
import { SearchX } from 'lucide-react'
import { Refused } from '../../api/client'
import { requestQuery, type LoggedRequest } from '../../api/keys'
import { exact } from '../../ui/format'
import { ico } from '../../ui/icons'
import { Page } from '../../ui/page'
import { Empty, Failed, Notice } from '../../ui/states'
import { Text } from '../../ui/text'

/** Finds a request of any key by its id, and goes to it. */
export function RequestPage() {
  const { requestId } = useParams({ from: '/shell/requests/$requestId' })
  const { data, error, refetch } = useQuery(requestQuery(requestId))
  if (data?.key) {
    return (
      <Navigate
        replace
        to="/agents/$agent/api-permissions/$key"
        params={{ agent: data.agent.id, key: data.key.id }}
        search={{ tab: 'requests', request: requestId }}
      />
    )
  }
  const isMissing = error instanceof Refused && (error.status === 404 || error.status === 400)
  return (
    <Page crumbs={[{ name: 'Requests' }]} about={['Find a request']} title="Find a request">
      <div className="card tall">
        {data && <Unknown request={data} />}
        {isMissing && (
          <Empty icon={<SearchX {...ico} />} title="No such request">
            No key of this organization made the request <Text>{requestId}</Text> in the last 14 days.
          </Empty>
        )}
        {error && !isMissing && <Failed what="This request" error={error} onRetry={() => refetch()} />}
      </div>
    </Page>
  )
}

/** A request that no key was proven for: there is no page of a key to show it on. */
function Unknown({ request }: { request: LoggedRequest }) {
  const rows: [string, string][] = [
    ['Request', request.requestId],
    ['Time', exact(request.at)],
    ['Asked for', `${request.method} ${request.route}`],
    ['Answer', `${request.status} ${request.code}`],
    ['Address', request.clientAddress],
  ]
  return (
    <div className="card-body padded">
      <Notice>No key was proven for this request: it was refused before, or by its credentials.</Notice>
      <dl className="dl">
        {rows.map(([name, value]) => (
          <Fragment key={name}>
            <dt>{name}</dt>
            <dd>
              <Text>{value}</Text>
            </dd>
          </Fragment>
        ))}
      </dl>
    </div>
  )
}
