import { useState, type ReactNode } from 'react'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { api, faults, page } from '../../api/client'
import { invite, inviteAgain, membersQuery, remove, resetLink, type GivenRole, type Member } from '../../api/members'
import { useSession } from '../../api/session'
import { RadioCards } from '../../ui/choice'
import { CopyField } from '../../ui/copy'
import { DeleteDialog } from '../../ui/delete'
import { FormDialog } from '../../ui/dialog'
import { TextField } from '../../ui/field'
import { exact } from '../../ui/format'
import { Notice, Refusal } from '../../ui/states'
import { Text } from '../../ui/text'
import { called } from './names'

const INVITED: [string, string, string][] = [
  ['USER', 'User', 'Looks at keys, contacts and documents. Changes nothing.'],
  ['ADMIN', 'Admin', 'Creates, changes and deletes API keys and agents. Invites users.'],
]

/** A link that is shown this once, to be passed on. */
function LinkShown({
  label,
  link,
  end,
  children,
}: {
  label: string
  link: string
  end?: string | null
  children: ReactNode
}) {
  return (
    <>
      <CopyField
        label={label}
        value={link}
        copyLabel="Copy the link"
        toast="Link copied to clipboard"
        help={end ? `It works once, until ${exact(end)}.` : 'It works once.'}
      />
      <Notice kind="warn">{children}</Notice>
    </>
  )
}

export function Invite({ onClose }: { onClose: () => void }) {
  const client = useQueryClient()
  const isOwner = useSession().member.role === 'OWNER'
  const [email, setEmail] = useState('')
  const [role, setRole] = useState<string>('USER')
  const [tried, setTried] = useState(false)
  const make = useMutation({
    mutationFn: () => invite(email.trim(), role as GivenRole),
    gcTime: 0,
    onSuccess: () => client.invalidateQueries({ queryKey: membersQuery.queryKey }),
  })
  const isMail = /^\S+@\S+$/.test(email.trim())
  const fault = tried && !isMail ? 'Enter an email address.' : faults(make.error).email
  const send = () => {
    setTried(true)
    if (isMail) make.mutate()
  }
  return (
    <FormDialog
      onClose={onClose}
      size="narrow"
      title="Invite a member"
      subtitle={make.isSuccess ? 'Send this link to the person. It works once.' : undefined}
      action="Create the link"
      pending={make.isPending}
      onSend={send}
      outcome={
        make.isSuccess && (
          <LinkShown label="Invitation link" link={make.data.inviteUrl ?? ''} end={make.data.inviteExpiresAt}>
            The link is shown only now. Whoever opens it first becomes the member.
          </LinkShown>
        )
      }
    >
      <Refusal error={fault ? null : make.error} />
      <TextField
        label="Email"
        type="email"
        value={email}
        onChange={setEmail}
        placeholder="name@company.com"
        error={fault}
        autoFocus
        inputProps={{ autoComplete: 'off', spellCheck: false, autoCapitalize: 'none' }}
      />
      {isOwner ? (
        <RadioCards label="Role" value={role} onChange={setRole} items={INVITED} />
      ) : (
        <Notice>They become a User, who looks and changes nothing. Only the owner invites admins.</Notice>
      )}
    </FormDialog>
  )
}

/** A dialog that says what will happen, and shows the link once it has. */
function LinkDialog({
  title,
  action,
  label,
  children,
  make,
  onClose,
}: {
  title: string
  action: string
  label: string
  children: ReactNode
  make: () => Promise<{ link: string; end?: string | null }>
  onClose: () => void
}) {
  const client = useQueryClient()
  const made = useMutation({
    mutationFn: make,
    gcTime: 0,
    onSuccess: () => client.invalidateQueries({ queryKey: membersQuery.queryKey }),
  })
  return (
    <FormDialog
      onClose={onClose}
      size="narrow"
      title={title}
      action={action}
      pending={made.isPending}
      onSend={() => made.mutate()}
      outcome={
        made.isSuccess && (
          <LinkShown label={label} link={made.data.link} end={made.data.end}>
            The link is shown only now. Send it to nobody but this person.
          </LinkShown>
        )
      }
    >
      <Refusal error={made.error} />
      <p>{children}</p>
    </FormDialog>
  )
}

export function InviteAgain({ member, onClose }: { member: Member; onClose: () => void }) {
  const make = async () => {
    const { inviteUrl, inviteExpiresAt } = await inviteAgain(member.id)
    return { link: inviteUrl ?? '', end: inviteExpiresAt }
  }
  return (
    <LinkDialog
      title="New invitation link"
      action="Create the link"
      label="Invitation link"
      make={make}
      onClose={onClose}
    >
      A new link for <Text>{called(member)}</Text>, for seven days. The one before works no more.
    </LinkDialog>
  )
}

export function ResetLink({ member, onClose }: { member: Member; onClose: () => void }) {
  const make = async () => {
    const { resetUrl, expiresAt } = await resetLink(member.id)
    return { link: resetUrl, end: expiresAt }
  }
  return (
    <LinkDialog title="Password reset link" action="Create the link" label="Reset link" make={make} onClose={onClose}>
      A link by which <Text>{called(member)}</Text> chooses a new password, for one hour. Their sessions end once they
      have.
    </LinkDialog>
  )
}

/** The keys that a member has made: they lose what their maker may no longer give. */
const keysOf = (id: string) => ({
  queryKey: ['keys', 'made by', id],
  queryFn: async ({ signal }: { signal: AbortSignal }) => {
    const { items } = await page<{ name: string; createdBy: { id: string } | null }>(
      api.GET('/v1/console/api-keys', { params: { query: { limit: 100 } }, signal }),
    )
    return items.filter(key => key.createdBy?.id === id).map(key => key.name)
  },
})

export function RemoveMember({ member, onClose }: { member: Member; onClose: () => void }) {
  const client = useQueryClient()
  const keys = useQuery(keysOf(member.id)).data ?? []
  const isInvited = member.status === 'INVITED'
  return (
    <DeleteDialog
      title={
        <>
          {isInvited ? 'Withdraw the invitation of ' : 'Remove '}
          <Text>{called(member)}</Text>?
        </>
      }
      action={isInvited ? 'Withdraw' : 'Remove member'}
      toast={isInvited ? 'Invitation withdrawn.' : 'Member removed.'}
      remove={() => remove(member.id)}
      refresh={() => client.invalidateQueries({ queryKey: membersQuery.queryKey })}
      onClose={onClose}
    >
      <p>
        {isInvited
          ? 'Their link works no more. You can invite them again.'
          : 'They are signed out everywhere, and their access tokens end, at once.'}
      </p>
      {keys.length > 0 && (
        <Notice kind="warn">
          {keys.length === 1
            ? 'This API key turns to No access: '
            : `These ${keys.length} API keys turn to No access: `}
          {keys.slice(0, 5).map((name, at) => (
            <span key={at}>
              {at > 0 && ', '}
              <b className="strong">
                <Text>{name}</Text>
              </b>
            </span>
          ))}
          {keys.length > 5 && ` and ${keys.length - 5} more`}. An owner or admin who edits a key takes it over.
        </Notice>
      )}
    </DeleteDialog>
  )
}
