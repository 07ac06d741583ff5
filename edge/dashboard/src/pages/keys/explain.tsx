import { useQuery } from '@tanstack/react-query'
import { CircleCheck, CircleX, Minus } from 'lucide-react'
import { explainQuery, type Explanation, type Key } from '../../api/keys'
import { Button } from '../../ui/button'
import { Dialog } from '../../ui/dialog'
import { exact } from '../../ui/format'
import { ico } from '../../ui/icons'
import { Failed, Notice } from '../../ui/states'
import { Text } from '../../ui/text'
import { CHECKS } from './words'

/** Why a request was refused: the rows of the check in their order. */
export function Explain({
  apiKey,
  requestId,
  at,
  onClose,
}: {
  apiKey: Pick<Key, 'id' | 'agent'>
  requestId: string
  at: string
  onClose: () => void
}) {
  const { data, error, refetch } = useQuery(explainQuery(apiKey, requestId))
  return (
    <Dialog
      open
      onClose={onClose}
      dismissable
      busy={!data && !error}
      foot={<Button onPress={onClose}>Close</Button>}
      title={data?.allowed ? 'What was decided?' : 'Why was this refused?'}
      subtitle={
        <>
          Request <code>{requestId}</code>, {exact(at)}
        </>
      }
    >
      {error && <Failed what="The explanation" error={error} onRetry={() => refetch()} />}
      {data && <Rows explanation={data} />}
    </Dialog>
  )
}

function Rows({ explanation: { rows, code, message } }: { explanation: Explanation }) {
  return (
    <>
      <ol className="rules">
        {rows.map(row => (
          <Row key={row.code} {...row} />
        ))}
      </ol>
      <Notice>
        {code ? (
          <>
            The caller was told <code>{code}</code>
            {message && (
              <>
                : <Text>{message}</Text>
              </>
            )}
          </>
        ) : (
          'The request was let through.'
        )}
      </Notice>
    </>
  )
}

function Row({ code, result, reason }: Explanation['rows'][number]) {
  const { title, passed } = CHECKS[code] ?? { title: code, passed: 'Passed.' }
  if (result === 'passed') {
    return (
      <li className="pass">
        <CircleCheck {...ico} />
        <span>{title}</span>
        <span className="muted">
          <span className="sr">Passed. </span>
          {passed}
        </span>
      </li>
    )
  }
  if (result === 'failed') {
    return (
      <li className="fail">
        <CircleX {...ico} />
        <span>{title}</span>
        <span>
          <span className="sr">Failed. </span>
          <Text>{reason ?? ''}</Text>
        </span>
      </li>
    )
  }
  return (
    <li className="later">
      <Minus {...ico} />
      <span>{title}</span>
      <span className="faint">Not reached</span>
    </li>
  )
}
