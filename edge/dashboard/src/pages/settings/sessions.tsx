import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Monitor, Smartphone, Terminal } from 'lucide-react'
import { endSession, sessionsQuery, type SignedIn } from '../../api/account'
import { wording } from '../../api/client'
import { Button } from '../../ui/button'
import { regainFocus } from '../../ui/focus'
import { ago, exact } from '../../ui/format'
import { ico } from '../../ui/icons'
import { List } from '../../ui/list'
import { Tag } from '../../ui/tag'
import { Text } from '../../ui/text'
import { useToast } from '../../ui/toast'
import { device } from './device'

export function Sessions() {
  const client = useQueryClient()
  const say = useToast()
  const sessions = useQuery(sessionsQuery)
  const others = sessions.data?.filter(session => !session.current) ?? []
  const end = useMutation({
    mutationFn: async (ended: SignedIn[]) => {
      for (const session of ended) await endSession(session.id)
    },
    onSuccess: (_, ended) => say(ended.length === 1 ? 'Session ended.' : `${ended.length} sessions ended.`),
    onError: error => say(wording(error), { bad: true }),
    onSettled: () => client.invalidateQueries({ queryKey: sessionsQuery.queryKey }).then(() => regainFocus()),
  })
  const count = sessions.data?.length ?? 0
  return (
    <section className="section" aria-labelledby="sessions">
      <div>
        <h2 id="sessions">Sessions</h2>
        <p>Where you are signed in. End those that you do not know, and change your password.</p>
      </div>
      <div className="card">
        <List
          of={sessions}
          items={sessions.data}
          what="Sessions"
          label="Your sessions"
          columns={['Browser', 'Address', 'Last active', 'Actions']}
          bones={[2, 60, 50, 40, 30]}
          isHeadHidden
          empty={null}
        >
          {session => <Row key={session.id} session={session} onEnd={() => !end.isPending && end.mutate([session])} />}
        </List>
        <div className="pager">
          <span>{count === 1 ? '1 session' : `${count} sessions`}</span>
          {others.length > 0 && (
            <Button size="small" pending={end.isPending} onPress={() => end.mutate(others)}>
              End all others
            </Button>
          )}
        </div>
      </div>
    </section>
  )
}

function Row({ session, onEnd }: { session: SignedIn; onEnd: () => void }) {
  const { name, kind } = device(session.userAgent)
  const Icon = kind === 'phone' ? Smartphone : kind === 'program' ? Terminal : Monitor
  return (
    <tr>
      <td>
        <span className="row wide-gap" title={session.userAgent}>
          <Icon {...ico} className="faint" />
          <span className="strong">
            <Text clip>{name}</Text>
          </span>
          {session.current && (
            <Tag kind="good" mini>
              This session
            </Tag>
          )}
        </span>
      </td>
      <td>
        <code className="muted">{session.clientAddress}</code>
      </td>
      <td className="muted num nowrap" title={exact(session.lastSeenAt)}>
        {session.current ? 'Now' : ago(session.lastSeenAt)}
      </td>
      <td className="right">
        {!session.current && (
          <Button kind="ghost" size="small" aria-label={`End the session of ${name}`} onPress={onEnd}>
            End
          </Button>
        )}
      </td>
    </tr>
  )
}
