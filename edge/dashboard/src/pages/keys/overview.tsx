import { useState } from 'react'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { ChartNoAxesColumn, Check, Minus, Table2 } from 'lucide-react'
import { wording } from '../../api/client'
import { keysChanged, updateKey, usageQuery, type Denial, type Key, type Usage } from '../../api/keys'
import { useCanWrite, useSession } from '../../api/session'
import { Button, IconButton } from '../../ui/button'
import { UsageChart, type Bucket } from '../../ui/chart'
import { Segmented } from '../../ui/choice'
import { ago, date, DAY, exact, list, now, num, seconds } from '../../ui/format'
import { icoS } from '../../ui/icons'
import { Meter } from '../../ui/meter'
import { actionTitle, permissionName } from '../../ui/scopes'
import { Failed, Notice } from '../../ui/states'
import { Text } from '../../ui/text'
import { useToast } from '../../ui/toast'
import { lastDayOf } from './draft'
import { Explain } from './explain'
import { bars, query, range, RANGES, totals, type RangeId } from './ranges'
import { reason } from './words'

const useUsage = (key: Key, id: RangeId) => useQuery(usageQuery(key, id, () => query(range(id))))

/** What a key did, what it may do, and what remains of its limits. */
export function Overview({ apiKey }: { apiKey: Key }) {
  const [rangeId, setRangeId] = useState<RangeId>('24h')
  const usage = useUsage(apiKey, rangeId)
  if (usage.error && !usage.data) {
    return (
      <div className="card">
        <Failed what="The usage of this key" error={usage.error} onRetry={() => usage.refetch()} />
      </div>
    )
  }
  const of = range(rangeId)
  return (
    <div className="key-grid">
      <div className="stack">
        <Requests of={rangeId} onRange={setRangeId} buckets={bars(of, usage.data?.buckets ?? [])} />
        <Operations usage={usage.data} words={of.words} />
        <Denials apiKey={apiKey} denials={usage.data?.recentDenials} />
      </div>
      <div className="key-side">
        <Remaining windows={usage.data?.windows} />
        <Matrix apiKey={apiKey} />
        <Details apiKey={apiKey} />
      </div>
    </div>
  )
}

function Requests({ of, onRange, buckets }: { of: RangeId; onRange: (id: RangeId) => void; buckets: Bucket[] }) {
  const [isTable, setTable] = useState(false)
  const { short, long } = range(of)
  const sum = totals(buckets)
  return (
    <section className="card" aria-labelledby="card-requests">
      <div className="card-head">
        <h2 id="card-requests">Requests</h2>
        <div className="row">
          <Segmented
            small
            label="Range"
            value={of}
            onChange={id => onRange(id as RangeId)}
            items={RANGES.map(({ id, name }) => [id, name])}
          />
          <IconButton label={isTable ? 'Show as a chart' : 'Show as a table'} onPress={() => setTable(!isTable)}>
            {isTable ? <ChartNoAxesColumn {...icoS} /> : <Table2 {...icoS} />}
          </IconButton>
        </div>
      </div>
      <div className="card-body stack">
        <div className="legend">
          <Total look="ok" name="Allowed" count={sum.allowed} />
          <Total look="limited" name="Rate limited" count={sum.limited} />
          <Total look="refused" name="Refused" count={sum.refused} />
        </div>
        {isTable ? (
          <div className="chart-table" tabIndex={0} role="region" aria-label="Requests by time">
            <table className="tbl compact">
              <thead>
                <tr>
                  <th>From</th>
                  <th className="right">Allowed</th>
                  <th className="right">Rate limited</th>
                  <th className="right">Refused</th>
                </tr>
              </thead>
              <tbody>
                {buckets.toReversed().map(bucket => (
                  <tr key={bucket.start}>
                    <td className="num">{long(bucket.start)}</td>
                    <td className="num right">{num(bucket.allowed)}</td>
                    <td className="num right">{num(bucket.limited)}</td>
                    <td className="num right">{num(bucket.refused)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        ) : (
          <UsageChart buckets={buckets} short={short} long={long} />
        )}
      </div>
    </section>
  )
}

const Total = ({ look, name, count }: { look: string; name: string; count: number }) => (
  <div>
    <span>
      <i className={look} />
      {name}
    </span>
    <b>{num(count)}</b>
  </div>
)

function Operations({ usage, words }: { usage?: Usage; words: string }) {
  const operations = usage?.operations ?? []
  const most = Math.max(1, ...operations.map(({ requests }) => requests))
  return (
    <section className="card" aria-labelledby="card-operations">
      <div className="card-head">
        <h2 id="card-operations">Top operations</h2>
        <span className="small faint">{words}</span>
      </div>
      {usage && operations.length === 0 ? (
        <p className="card-body muted">No requests in this time.</p>
      ) : (
        <table className="tbl compact">
          <thead>
            <tr>
              <th>Operation</th>
              <th>Permission</th>
              <th className="c-bar">Requests</th>
              <th>Last used</th>
            </tr>
          </thead>
          <tbody>
            {operations.map(({ operation, permission, requests, lastUsedAt }) => (
              <tr key={`${operation} ${permission}`}>
                <td>
                  <code>{operation}</code>
                </td>
                <td className="muted">
                  <code>{permission}</code>
                </td>
                <td>
                  <span className="bar-cell">
                    <span className="num right">{num(requests)}</span>
                    <i style={{ width: `${Math.max(1, (requests / most) * 100)}%` }} />
                  </span>
                </td>
                <td className="muted num nowrap" title={lastUsedAt ? exact(lastUsedAt) : undefined}>
                  {ago(lastUsedAt)}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  )
}

function Denials({ apiKey, denials }: { apiKey: Key; denials?: Denial[] }) {
  const canExplain = useCanWrite()
  const [shown, setShown] = useState<Denial | null>(null)
  return (
    <section className="card" aria-labelledby="card-denials">
      <div className="card-head">
        <h2 id="card-denials">Recent denials</h2>
      </div>
      {denials?.length === 0 ? (
        <p className="card-body muted">None. Requests with a wrong secret are not counted here.</p>
      ) : (
        <table className="tbl compact">
          <thead>
            <tr>
              <th>Time</th>
              <th>Reason</th>
              <th>Address</th>
              <th>Request</th>
              {canExplain && (
                <th>
                  <span className="sr">Explain</span>
                </th>
              )}
            </tr>
          </thead>
          <tbody>
            {denials?.map(denial => (
              <tr key={`${denial.at} ${denial.requestId}`}>
                <td className="muted num nowrap" title={exact(denial.at)}>
                  {ago(denial.at)}
                </td>
                <td>
                  {reason(denial.code)}{' '}
                  {denial.code === 'permission_denied' && denial.permission && (
                    <code className="muted">{denial.permission}</code>
                  )}
                </td>
                <td>
                  <code>{denial.clientAddress}</code>
                </td>
                <td className="muted">
                  <code>{denial.requestId}</code>
                </td>
                {canExplain && (
                  <td className="right">
                    {denial.requestId && (
                      <Button kind="ghost" size="small" onPress={() => setShown(denial)}>
                        Explain
                      </Button>
                    )}
                  </td>
                )}
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {shown?.requestId && (
        <Explain apiKey={apiKey} requestId={shown.requestId} at={shown.at} onClose={() => setShown(null)} />
      )}
    </section>
  )
}

type Window = Usage['windows']['minute']

function Remaining({ windows }: { windows?: Usage['windows'] }) {
  return (
    <section className="card" aria-labelledby="card-remaining">
      <div className="card-head">
        <h2 id="card-remaining">Remaining now</h2>
      </div>
      <div className="card-body stack">
        {windows && <OneWindow name="Per minute" window={windows.minute} />}
        {windows && <OneWindow name="Per hour" window={windows.hour} />}
      </div>
    </section>
  )
}

function OneWindow({ name, window: { limit, remaining, resetSeconds } }: { name: string; window: Window }) {
  return (
    <div className="stack tight">
      <div className="row between">
        <span>{name}</span>
        <span className="num">
          <b className="strong">{num(remaining)}</b> <span className="muted">of {num(limit)} left</span>
        </span>
      </div>
      <Meter value={remaining} max={limit} label={`${name}, left`} />
      <div className="small faint">
        {remaining >= limit ? 'Nothing used' : `A slot comes free in ${seconds(resetSeconds)}`}
      </div>
    </div>
  )
}

/** Each permission of the registry: used, unused for 30 days, or not granted. */
function Matrix({ apiKey }: { apiKey: Key }) {
  const { scopes } = useSession()
  const canWrite = useCanWrite()
  const client = useQueryClient()
  const say = useToast()
  const { data } = useUsage(apiKey, '30d')
  const unused = (data?.unusedPermissions ?? []).filter(permission => apiKey.permissions.includes(permission))
  const actions = [...new Set(scopes.flatMap(scope => scope.actions))]
  const narrow = useMutation({
    mutationFn: ({ key, permissions }: { key: Key; permissions: string[] }) => updateKey(key, { permissions }),
    onSuccess: (narrowed, { key }) => {
      keysChanged(client)
      say('API key updated successfully.', {
        action: { name: 'Undo', run: () => undo.mutate({ narrowed, before: key }) },
      })
    },
    onError: error => say(wording(error), { bad: true }),
  })
  const undo = useMutation({
    mutationFn: ({ narrowed, before }: { narrowed: Key; before: Key }) =>
      updateKey(narrowed, { permissions: before.permissions }),
    onSuccess: () => {
      keysChanged(client)
      say('The permissions are as they were.')
    },
    onError: error => say(wording(error), { bad: true }),
  })
  const isOld = now() - Date.parse(apiKey.createdAt) > 30 * DAY
  const rest = apiKey.permissions.filter(permission => !unused.includes(permission))
  return (
    <section className="card" aria-labelledby="card-permissions">
      <div className="card-head">
        <h2 id="card-permissions">Permissions</h2>
        <span className="small faint">Used in 30 days</span>
      </div>
      <div className="card-body stack">
        <table className="matrix">
          <thead>
            <tr>
              <th>
                <span className="sr">Area</span>
              </th>
              {actions.map(action => (
                <th key={action} scope="col">
                  {actionTitle(action)}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {scopes.map(scope => (
              <tr key={scope.scope}>
                <th scope="row">{scope.badge}</th>
                {actions.map(action => {
                  const permission = `${scope.scope}:${action}`
                  const isHeld = apiKey.effectivePermissions.includes(permission)
                  return (
                    <td key={action}>
                      <Held state={!isHeld ? 'off' : unused.includes(permission) ? 'unused' : 'used'} />
                    </td>
                  )
                })}
              </tr>
            ))}
          </tbody>
        </table>
        {unused.length > 0 && apiKey.lastUsedAt && (
          <Notice kind="warn">
            <div className="stack tight">
              <span>
                <b className="strong">{list(unused.map(permission => permissionName(scopes, permission)))}</b>{' '}
                {unused.length === 1 ? 'was ' : 'were '}
                {isOld ? 'not used for 30 days.' : 'not used since the key was created.'}
              </span>
              {canWrite && rest.length > 0 && (
                <div>
                  <Button
                    size="small"
                    pending={narrow.isPending}
                    onPress={() => narrow.mutate({ key: apiKey, permissions: rest })}
                  >
                    {unused.length === 1 ? 'Remove it' : 'Remove them'}
                  </Button>
                </div>
              )}
            </div>
          </Notice>
        )}
      </div>
    </section>
  )
}

function Held({ state }: { state: 'used' | 'unused' | 'off' }) {
  const words = { used: 'granted, used', unused: 'granted, not used', off: 'not granted' }[state]
  return (
    <span className={state}>
      {state === 'used' && <Check {...icoS} />}
      {state === 'unused' && <Minus {...icoS} />}
      {state === 'off' && (
        <svg width="4" height="4" aria-hidden="true">
          <circle cx="2" cy="2" r="2" fill="currentColor" />
        </svg>
      )}
      <span className="sr">{words}</span>
    </span>
  )
}

function Details({ apiKey: key }: { apiKey: Key }) {
  return (
    <section className="card" aria-labelledby="card-details">
      <div className="card-head">
        <h2 id="card-details">Details</h2>
      </div>
      <div className="card-body">
        <dl className="dl">
          <dt>Secret</dt>
          <dd>
            ends in <code>{key.secretLast4}</code>
          </dd>
          <dt>IP addresses</dt>
          <dd>{key.allowedIps.length ? key.allowedIps.map(ip => <code key={ip}>{ip}</code>) : 'Any'}</dd>
          <dt>Limits</dt>
          <dd className="num">
            {num(key.rateLimits.perMinute)} a minute
            <br />
            {num(key.rateLimits.perHour)} an hour
          </dd>
          <dt>Expiry</dt>
          <dd title={key.expiresAt ? exact(key.expiresAt) : undefined}>
            {key.expiresAt ? date(lastDayOf(key.expiresAt)) : 'None'}
          </dd>
          <dt>Last used</dt>
          <dd className="num" title={key.lastUsedAt ? exact(key.lastUsedAt) : undefined}>
            {ago(key.lastUsedAt)}
          </dd>
          <dt>Created</dt>
          <dd title={exact(key.createdAt)}>
            {date(key.createdAt)}
            <br />
            <span className="muted">
              by <Text>{key.createdBy.name}</Text>
            </span>
          </dd>
          <dt>Id</dt>
          <dd>
            <code>{key.id}</code>
          </dd>
        </dl>
      </div>
    </section>
  )
}
