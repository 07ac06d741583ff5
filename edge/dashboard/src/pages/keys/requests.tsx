import { useState } from 'react'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { CircleX, Inbox } from 'lucide-react'
import { isNotFound } from '../../api/client'
import { requestQuery, requestsQuery, type Key, type LoggedRequest } from '../../api/keys'
import { useCanWrite } from '../../api/session'
import { Button } from '../../ui/button'
import { CopyButton } from '../../ui/copy'
import { Search } from '../../ui/field'
import { exact, num, stamp } from '../../ui/format'
import { ico } from '../../ui/icons'
import { Older } from '../../ui/older'
import { FilterSelect } from '../../ui/select'
import { Bones, Empty, Failed, useLate } from '../../ui/states'
import { Tag } from '../../ui/tag'
import { Explain } from './explain'
import { isRefusal, OUTCOMES, outcomeKind } from './words'

const ROUTE = '/shell/agents/$agent/api-permissions/$key'

/** The requests of a key, the newest first; or the one whose id is looked for. */
export function Requests({ apiKey }: { apiKey: Key }) {
  const go = useNavigate()
  const search = useSearch({ from: ROUTE })
  const narrow = (part: { request?: string; code?: string }) =>
    go({
      to: '.',
      search: { tab: 'requests' as const, code: search.code, request: search.request, ...part },
      replace: true,
    })
  const [typed, setTyped] = useState(search.request ?? '')
  return (
    <>
      <div className="toolbar">
        <Search
          label="Find by request id"
          placeholder="Find by request id"
          value={typed}
          onChange={text => {
            setTyped(text)
            if (!text.trim()) narrow({ request: undefined })
          }}
          onSubmit={() => narrow({ request: typed.trim() || undefined })}
          width={260}
        />
        <FilterSelect
          label="Outcome"
          value={search.code}
          onChange={code => narrow({ code })}
          items={[{ id: 'ANY', name: 'All outcomes' }, ...OUTCOMES]}
        />
        <span className="count">Kept for 14 days. No bodies, no query values.</span>
      </div>
      <div className="card">
        {search.request ? (
          <One apiKey={apiKey} requestId={search.request} />
        ) : (
          <Many apiKey={apiKey} code={search.code} />
        )}
      </div>
    </>
  )
}

function One({ apiKey, requestId }: { apiKey: Key; requestId: string }) {
  const { data, error, refetch } = useQuery(requestQuery(requestId))
  const isMissing = isNotFound(error) || (data && data.key?.id !== apiKey.id)
  if (isMissing) {
    return (
      <Empty icon={<CircleX {...ico} />} title="No such request">
        Requests are kept for 14 days. Check the id, or the key it was made with.
      </Empty>
    )
  }
  if (error) return <Failed what="This request" error={error} onRetry={() => refetch()} />
  return <Table apiKey={apiKey} requests={data && [data]} />
}

function Many({ apiKey, code }: { apiKey: Key; code?: string }) {
  const list = useInfiniteQuery(requestsQuery(apiKey, { code }))
  const requests = list.data?.pages.flatMap(page => page.items)
  if (list.error && !requests) return <Failed what="Requests" error={list.error} onRetry={() => list.refetch()} />
  if (requests?.length === 0) {
    return (
      <Empty icon={<Inbox {...ico} />} title={code ? 'No request with this outcome' : 'No requests yet'}>
        {code ? 'Requests are kept for 14 days.' : 'The first one shows here a second after it was made.'}
      </Empty>
    )
  }
  return (
    <>
      <Table apiKey={apiKey} requests={requests} />
      <Older of={list} />
    </>
  )
}

function Table({ apiKey, requests }: { apiKey: Key; requests?: LoggedRequest[] }) {
  const canExplain = useCanWrite()
  const [explained, setExplained] = useState<LoggedRequest | null>(null)
  const isLate = useLate(!requests)
  return (
    <div className="tbl-scroll">
      <table className="tbl compact">
        <caption className="sr">Requests of this key</caption>
        <thead>
          <tr>
            <th>Time</th>
            <th>Operation</th>
            <th>Status</th>
            <th>Outcome</th>
            <th>Address</th>
            <th className="right">Took</th>
            <th>Request</th>
            {canExplain && (
              <th>
                <span className="sr">Explain</span>
              </th>
            )}
          </tr>
        </thead>
        <tbody aria-busy={!requests}>
          {isLate && <Bones rows={8} widths={[80, 70, 50, 60, 70, 50, 90, ...(canExplain ? [50] : [])]} />}
          {requests?.map(request => (
            <tr key={request.requestId}>
              <td className="num nowrap muted" title={exact(request.at)}>
                {stamp(request.at)}
              </td>
              <td title={request.route}>
                <span className="row">
                  <code className="faint method">{request.method}</code>
                  <code>{request.operation}</code>
                </span>
              </td>
              <td className="num">{request.status}</td>
              <td>
                <Tag kind={outcomeKind(request.code)} mini>
                  {request.code}
                </Tag>
              </td>
              <td>
                <code>{request.clientAddress}</code>
              </td>
              <td className="num right muted nowrap">{num(Math.round(request.durationMs * 10) / 10)} ms</td>
              <td>
                <span className="row id-cell">
                  <code className="muted">{request.requestId}</code>
                  <CopyButton text={request.requestId} label={`Copy the request id ${request.requestId}`} />
                </span>
              </td>
              {canExplain && (
                <td className="right">
                  {isRefusal(request.code) && (
                    <Button kind="ghost" size="small" onPress={() => setExplained(request)}>
                      Explain
                    </Button>
                  )}
                </td>
              )}
            </tr>
          ))}
        </tbody>
      </table>
      {explained && (
        <Explain apiKey={apiKey} requestId={explained.requestId} at={explained.at} onClose={() => setExplained(null)} />
      )}
    </div>
  )
}
