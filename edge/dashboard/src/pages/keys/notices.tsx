import { useState } from 'react'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { RotateCw } from 'lucide-react'
import { wording } from '../../api/client'
import { keyQuery } from '../../api/keys'
import { noticesQuery, type Notice as Ending } from '../../api/notices'
import { Button } from '../../ui/button'
import { ago, date, until } from '../../ui/format'
import { ico } from '../../ui/icons'
import { Notice } from '../../ui/states'
import { Text } from '../../ui/text'
import { useToast } from '../../ui/toast'
import type { Actions } from './actions'
import { lastDayOf } from './draft'

/** How many stand above the list before somebody asks for the others. */
const SHOWN = 3

/** Keys that end soon, and secrets that still overlap, in one quiet card. The server says which. */
export function Notices({ agentId, on }: { agentId?: string; on: Actions }) {
  const notices = useQuery(noticesQuery(agentId)).data ?? []
  const [all, showAll] = useState(false)
  const client = useQueryClient()
  const say = useToast()
  const edit = useMutation({
    mutationFn: ({ agent, key }: Ending) => client.fetchQuery(keyQuery(agent.id, key.id)),
    onSuccess: key => on.open({ kind: 'edit', key }),
    onError: error => say(wording(error), { bad: true }),
  })
  if (notices.length === 0) return null
  const shown = all ? notices : notices.slice(0, SHOWN)
  return (
    <div className="notices" role="region" aria-label="What ends soon">
      {shown.map(notice =>
        notice.kind === 'KEY_EXPIRES' ? (
          <Expiring
            key={notice.key.id}
            notice={notice}
            onEdit={() => edit.mutate(notice)}
            isLoading={edit.isPending && edit.variables === notice}
          />
        ) : (
          <Overlapping key={`${notice.key.id} ${notice.secretLast4}`} notice={notice} />
        ),
      )}
      {notices.length > shown.length && (
        <div className="more">
          <Button kind="ghost" size="small" onPress={() => showAll(true)}>
            Show {notices.length - shown.length} more
          </Button>
        </div>
      )}
    </div>
  )
}

function Name({ notice }: { notice: Ending }) {
  return (
    <span className="strong">
      <Text>{notice.key.name}</Text>
    </span>
  )
}

function Expiring({ notice, onEdit, isLoading }: { notice: Ending; onEdit: () => void; isLoading: boolean }) {
  const { endsAt } = notice
  return (
    <Notice
      kind="warn"
      actions={
        <Button kind="ghost" size="small" pending={isLoading} onPress={onEdit}>
          Change expiry
        </Button>
      }
    >
      <Name notice={notice} /> expires in {until(endsAt)}, on {date(lastDayOf(endsAt))}.
    </Notice>
  )
}

function Overlapping({ notice }: { notice: Ending }) {
  const { agent, key, endsAt, lastUsedAt } = notice
  return (
    <Notice
      icon={<RotateCw {...ico} />}
      actions={
        <Link
          className="btn ghost small"
          to="/agents/$agent/api-permissions/$key"
          params={{ agent: agent.id, key: key.id }}
        >
          Open
        </Link>
      }
    >
      <Name notice={notice} /> has two secrets for {until(endsAt)} more. The old one{' '}
      {lastUsedAt ? `was last used ${ago(lastUsedAt).toLowerCase()}.` : 'was not used.'}
    </Notice>
  )
}
