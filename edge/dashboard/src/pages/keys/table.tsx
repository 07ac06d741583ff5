import { Link } from '@tanstack/react-router'
import type { Key } from '../../api/keys'
import { useCanWrite } from '../../api/session'
import { CopyButton } from '../../ui/copy'
import { ago, date, exact, num, visible } from '../../ui/format'
import { AccessBadges, KeyStatus } from '../../ui/scopes'
import { ModeTag } from '../../ui/shell'
import { Spark } from '../../ui/spark'
import { Bones, useLate } from '../../ui/states'
import { Text } from '../../ui/text'
import { KeyMenu, type Actions } from './actions'

const shortKey = (apiKey: string) => `${apiKey.slice(0, 12)}…${apiKey.slice(-4)}`

/** The list. Without `keys` it is loading. */
export function KeysTable({
  keys,
  isOfOneAgent,
  agentName,
  on,
}: {
  keys?: Key[]
  isOfOneAgent: boolean
  agentName?: string
  on: Actions
}) {
  const canWrite = useCanWrite()
  const isLate = useLate(!keys)
  return (
    <div className="tbl-scroll">
      <table className="tbl tall keys">
        <caption className="sr">API keys{agentName ? ` of ${visible(agentName)}` : ''}</caption>
        <thead>
          <tr>
            <th>Name</th>
            <th className="c-access">Access</th>
            <th className="c-status">Status</th>
            <th className="c-spark">Last 24 h</th>
            <th className="c-used">Last used</th>
            <th className="c-created">Created</th>
            {canWrite && (
              <th className="c-acts">
                <span className="sr">Actions</span>
              </th>
            )}
          </tr>
        </thead>
        <tbody aria-busy={!keys}>
          {isLate && (
            <Bones rows={6} cells={{ 4: 'c-used' }} widths={[70, 80, 70, 80, 60, 70, ...(canWrite ? [40] : [])]} />
          )}
          {keys?.map(key => (
            <Row key={key.id} apiKey={key} isOfOneAgent={isOfOneAgent} on={on} canWrite={canWrite} />
          ))}
        </tbody>
      </table>
    </div>
  )
}

function Row({
  apiKey,
  isOfOneAgent,
  on,
  canWrite,
}: {
  apiKey: Key
  isOfOneAgent: boolean
  on: Actions
  canWrite: boolean
}) {
  const used = ago(apiKey.lastUsedAt)
  const usedExactly = apiKey.lastUsedAt ? exact(apiKey.lastUsedAt) : undefined
  return (
    <tr className={apiKey.status === 'ACTIVE' ? undefined : 'dim'}>
      <td>
        <Link
          to="/agents/$agent/api-permissions/$key"
          params={{ agent: apiKey.agent.id, key: apiKey.id }}
          className="name clip"
          title={visible(apiKey.description || apiKey.name)}
        >
          <Text>{apiKey.name}</Text>
        </Link>
        <span className="sub">
          {isOfOneAgent ? (
            <code className="clip">{shortKey(apiKey.apiKey)}</code>
          ) : (
            <>
              <Text clip>{apiKey.agent.name}</Text>
              {apiKey.apiKey.startsWith('kw_test_') && <ModeTag mode="TEST" />}
            </>
          )}
        </span>
      </td>
      <td>
        <AccessBadges apiKey={apiKey} />
      </td>
      <td>
        <KeyStatus apiKey={apiKey} />
      </td>
      <td>
        <Activity apiKey={apiKey} />
        <span className="under num" title={usedExactly}>
          {used}
        </span>
      </td>
      <td className="num nowrap muted c-used" title={usedExactly}>
        {used}
      </td>
      <td className="num nowrap muted" title={exact(apiKey.createdAt)}>
        {date(apiKey.createdAt)}
      </td>
      {canWrite && (
        <td>
          <div className="acts">
            <CopyButton
              text={apiKey.apiKey}
              label={`Copy API Key of ${apiKey.name}`}
              toast="API key copied to clipboard"
            />
            <KeyMenu apiKey={apiKey} on={on} />
          </div>
        </td>
      )}
    </tr>
  )
}

function Activity({ apiKey: { activity } }: { apiKey: Key }) {
  const hours = activity ?? []
  const refused = hours.map(hour => hour.denied)
  const all = hours.map(hour => hour.allowed + hour.denied)
  const sum = (counts: number[]) => counts.reduce((total, count) => total + count, 0)
  return (
    <Spark
      values={all.length ? all : Array<number>(24).fill(0)}
      refused={refused}
      label={`${num(sum(all))} requests in the last 24 hours, ${num(sum(refused))} refused`}
    />
  )
}
