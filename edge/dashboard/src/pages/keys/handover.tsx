import { useState, type ReactNode } from 'react'
import { useQuery } from '@tanstack/react-query'
import { CircleAlert, CircleCheck } from 'lucide-react'
import { newestRequests, type Key, type LoggedRequest, type NewKey } from '../../api/keys'
import { useSession } from '../../api/session'
import { Button } from '../../ui/button'
import { Code, CopyField } from '../../ui/copy'
import { Dialog } from '../../ui/dialog'
import { ago, MINUTE, now } from '../../ui/format'
import { ico } from '../../ui/icons'
import { useSecretGuard } from '../../ui/secret'
import { Notice } from '../../ui/states'
import { Tag } from '../../ui/tag'
import { Text } from '../../ui/text'
import { Explain } from './explain'

/** How often the first request is asked for, in milliseconds: at first, and later. */
const ASK = 1_000
const ASK_LATER = 5_000
const LATER = 2 * MINUTE

/** How many requests are looked at: those with an older secret may come in between. */
const LOOK_AT = 20

/**
 * The only screen that ever shows a secret. `made` is the one object that holds it: it is in no URL, cache or storage,
 * and is emptied when this closes.
 */
export function Handover({
  made,
  title,
  note,
  onDone,
}: {
  made: NewKey
  title: string
  note?: ReactNode
  onDone: () => void
}) {
  const { key } = made
  const { ask, dialog } = useSecretGuard(made, onDone, {
    title: 'Is the secret stored?',
    text: 'It is not shown again. If it gets lost, rotate the key to get a new one.',
  })
  const { apiBaseUrl } = useSession()
  return (
    <>
      <Dialog
        open
        size="wide"
        onClose={ask}
        title={title}
        subtitle={
          <>
            <Text>{key.name}</Text> <span className="faint">for</span> <Text>{key.agent.name}</Text>
          </>
        }
        foot={
          <Button kind="primary" onPress={ask}>
            Done
          </Button>
        }
      >
        <CopyField label="API Key" value={key.apiKey} copyLabel="Copy API Key" toast="API key copied to clipboard" />
        <div className="field">
          <CopyField
            label="API Secret"
            value={made.secret}
            copyLabel="Copy API Secret"
            toast="API secret copied to clipboard"
          />
          <Notice kind="warn">
            Copy the API key and secret now and store them securely:{' '}
            <b className="strong">the secret is shown only this once. Treat the secret like a password.</b> Never commit
            it to source control or expose it in client-side (browser) code.
          </Notice>
        </div>
        {note}
        <Code copyLabel="Copy the example" tabs={samples(made, apiBaseUrl)} />
        <FirstRequest apiKey={key} />
      </Dialog>
      {dialog}
    </>
  )
}

/** A call that the key may make, ready to be pasted. */
function samples({ key, secret }: NewKey, base: string) {
  const reads = (scope: string) => key.effectivePermissions.includes(`${scope}:read`)
  const path = reads('contacts')
    ? `/v1/open/contacts/chatbots/${key.agent.id}`
    : reads('document-extraction')
      ? `/v1/open/document-extraction/chatbots/${key.agent.id}`
      : '/v1/open/key'
  const curl = `curl "${base}${path}" \\\n  -H "X-API-Key: ${key.apiKey}" \\\n  -H "X-API-Secret: ${secret}"`
  const env = [
    `KEYWARD_URL=${base}`,
    `KEYWARD_AGENT=${key.agent.id}`,
    `KEYWARD_API_KEY=${key.apiKey}`,
    `KEYWARD_API_SECRET=${secret}`,
  ].join('\n')
  return [
    { id: 'curl', name: 'curl', text: curl },
    { id: 'env', name: '.env', text: env },
  ]
}

/** Waits for the first request with this secret, as long as someone looks. */
function FirstRequest({ apiKey }: { apiKey: Key }) {
  const [since] = useState(now)
  const [isExplaining, setExplaining] = useState(false)
  const { data: first } = useQuery({
    queryKey: ['first-request', apiKey.id, apiKey.secretLast4],
    queryFn: async ({ signal }) => {
      const requests = await newestRequests(apiKey, LOOK_AT, signal)
      return requests.findLast(request => request.secretLast4 === apiKey.secretLast4) ?? null
    },
    refetchInterval: query => {
      if (query.state.data) return false
      return now() - since < LATER ? ASK : ASK_LATER
    },
    gcTime: 0,
  })
  if (!first) {
    return (
      <div className="waiting" role="status">
        <span className="pulse" />
        <span className="grow">Waiting for the first request…</span>
        <span className="small faint">Run the example to test the key</span>
      </div>
    )
  }
  const isGood = first.code === 'ok'
  return (
    <>
      <div className={'waiting ' + (isGood ? 'done' : 'refused')} role="status">
        {isGood ? <CircleCheck {...ico} color="var(--good)" /> : <CircleAlert {...ico} color="var(--bad)" />}
        <RequestLine request={first} />
        {!isGood && (
          <Button size="small" onPress={() => setExplaining(true)}>
            Explain
          </Button>
        )}
      </div>
      {isExplaining && (
        <Explain apiKey={apiKey} requestId={first.requestId} at={first.at} onClose={() => setExplaining(false)} />
      )}
    </>
  )
}

function RequestLine({ request }: { request: LoggedRequest }) {
  return (
    <>
      <div className="req-line grow">
        <span className="strong nowrap">First request</span>
        <code className="clip" title={request.route}>
          {request.method} {request.route}
        </code>
        <Tag kind={request.code === 'ok' ? 'good' : 'bad'} mini>
          {request.code === 'ok' ? request.status : request.code}
        </Tag>
      </div>
      <span className="small muted nowrap">
        {request.clientAddress}, {ago(request.at).toLowerCase()}
      </span>
    </>
  )
}
