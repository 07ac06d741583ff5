import { useState } from 'react'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { KeyRound, MailPlus, UserMinus } from 'lucide-react'
import * as A from 'react-aria-components'
import { wording } from '../../api/client'
import { changeRole, membersQuery, type GivenRole, type Member } from '../../api/members'
import { useCanWrite, useSession, type Role } from '../../api/session'
import { Button } from '../../ui/button'
import { ago, date, exact, until, visible } from '../../ui/format'
import { ico } from '../../ui/icons'
import { List } from '../../ui/list'
import { ActionsCell, Item } from '../../ui/menu'
import { Select } from '../../ui/select'
import { roleName } from '../../ui/shell'
import { Page } from '../../ui/page'
import { ACTIONS } from '../../ui/table'
import { Avatar, Tag } from '../../ui/tag'
import { Text } from '../../ui/text'
import { useToast } from '../../ui/toast'
import { called } from './names'
import { Invite, InviteAgain, RemoveMember, ResetLink } from './dialogs'

const GIVEN = [
  { id: 'ADMIN', name: 'Admin' },
  { id: 'USER', name: 'User' },
]

type Act = { kind: 'invite' } | { kind: 'again' | 'reset' | 'remove'; member: Member } | null

export function Members() {
  const members = useQuery(membersQuery)
  const canWrite = useCanWrite()
  const [act, setAct] = useState<Act>(null)
  const close = () => setAct(null)
  return (
    <Page
      crumbs={[{ name: 'Members' }]}
      about={['Members']}
      title="Members"
      subtitle="Who can sign in, and what they may do."
      actions={
        canWrite && (
          <Button kind="primary" onPress={() => setAct({ kind: 'invite' })}>
            <MailPlus {...ico} />
            Invite a member
          </Button>
        )
      }
    >
      <div className="card">
        <List
          of={members}
          items={members.data}
          what="Members"
          columns={[
            'Name',
            { name: 'Role', className: 'col-role' },
            'Status',
            'Last active',
            'Added',
            canWrite && ACTIONS,
          ]}
          bones={[3, 70, 50, 40, 40, 50, 30]}
          kind="tall"
          empty={null}
        >
          {member => <Row key={member.id} member={member} onAct={setAct} />}
        </List>
      </div>
      <p className="small muted below">
        <b className="strong">Owner</b> and <b className="strong">Admin</b> manage keys, agents and members; only the
        owner invites or promotes admins. <b className="strong">User</b> looks.
      </p>
      {act?.kind === 'invite' && <Invite onClose={close} />}
      {act?.kind === 'again' && <InviteAgain member={act.member} onClose={close} />}
      {act?.kind === 'reset' && <ResetLink member={act.member} onClose={close} />}
      {act?.kind === 'remove' && <RemoveMember member={act.member} onClose={close} />}
    </Page>
  )
}

function Row({ member, onAct }: { member: Member; onAct: (act: Act) => void }) {
  const me = useSession().member
  const canWrite = useCanWrite()
  const isInvited = member.status === 'INVITED'
  const isMe = member.id === me.id
  // Only the owner appoints admins and takes that from them, and nobody touches the owner.
  const mayChange = canWrite && member.role !== 'OWNER' && (me.role === 'OWNER' || member.role === 'USER')
  const name = visible(called(member))
  return (
    <tr>
      <td>
        <span className="row wide-gap">
          <Avatar name={name} big />
          <span>
            <span className="name">
              <Text>{called(member)}</Text>
            </span>
            {isMe && <span className="faint"> you</span>}
            {member.name && (
              <span className="sub">
                <Text>{member.email}</Text>
              </span>
            )}
          </span>
        </span>
      </td>
      <td>{mayChange && me.role === 'OWNER' ? <RoleSelect member={member} /> : roleName(member.role as Role)}</td>
      <td>{isInvited ? <Tag kind="warn">Invited</Tag> : <Tag kind="good">Active</Tag>}</td>
      <td className="muted num nowrap" title={member.lastSeenAt ? exact(member.lastSeenAt) : undefined}>
        {isInvited ? linkEnd(member) : isMe ? 'Now' : ago(member.lastSeenAt ?? null)}
      </td>
      <td className="muted num nowrap" title={exact(member.createdAt)}>
        {date(member.createdAt)}
      </td>
      {canWrite &&
        (mayChange ? (
          <ActionsCell name={called(member)}>
            {isInvited ? (
              <Item icon={<MailPlus {...ico} />} onAction={() => onAct({ kind: 'again', member })}>
                New link
              </Item>
            ) : (
              <Item icon={<KeyRound {...ico} />} onAction={() => onAct({ kind: 'reset', member })}>
                Password reset link
              </Item>
            )}
            <A.Separator />
            <Item danger icon={<UserMinus {...ico} />} onAction={() => onAct({ kind: 'remove', member })}>
              {isInvited ? 'Withdraw' : 'Remove'}
            </Item>
          </ActionsCell>
        ) : (
          <td />
        ))}
    </tr>
  )
}

function linkEnd(member: Member): string {
  const end = member.inviteExpiresAt
  if (!end || Date.parse(end) <= Date.now()) return 'Link has expired'
  return `Link expires in ${until(end)}`
}

function RoleSelect({ member }: { member: Member }) {
  const client = useQueryClient()
  const say = useToast()
  const change = useMutation({
    mutationFn: (role: GivenRole) => changeRole(member.id, role),
    onSuccess: () => say('Role changed.'),
    onError: error => say(wording(error), { bad: true }),
    onSettled: () => client.invalidateQueries({ queryKey: membersQuery.queryKey }),
  })
  return (
    <Select
      hideLabel
      auto
      label={`Role of ${visible(called(member))}`}
      value={change.isPending ? change.variables : (member.role as GivenRole)}
      onChange={role => role !== member.role && change.mutate(role as GivenRole)}
      items={GIVEN}
    />
  )
}
