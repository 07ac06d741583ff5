import { useState } from 'react'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Terminal } from 'lucide-react'
import { createToken, deleteToken, tokensQuery, type Token } from '../../api/account'
import { faults } from '../../api/client'
import { useSession, type Role } from '../../api/session'
import { Button } from '../../ui/button'
import { Segmented } from '../../ui/choice'
import { CopyField } from '../../ui/copy'
import { DeleteDialog } from '../../ui/delete'
import { Dialog, FormDialog } from '../../ui/dialog'
import { TextField } from '../../ui/field'
import { DAY, date, exact, length, now, visible } from '../../ui/format'
import { ico } from '../../ui/icons'
import { List } from '../../ui/list'
import { useSecretGuard, type Holder } from '../../ui/secret'
import { Select } from '../../ui/select'
import { roleName } from '../../ui/shell'
import { Notice, Refusal } from '../../ui/states'
import { ACTIONS } from '../../ui/table'
import { Text } from '../../ui/text'

const NAME_MAX = 100
const EXPIRIES: [string, string][] = [
  ['30', '30 days'],
  ['90', '90 days'],
  ['365', '365 days'],
  ['none', 'None'],
]

export function Tokens() {
  const tokens = useQuery(tokensQuery)
  const [act, setAct] = useState<{ kind: 'create' } | { kind: 'delete'; token: Token } | null>(null)
  const close = () => setAct(null)
  const count = tokens.data?.length ?? 0
  return (
    <section className="section" aria-labelledby="tokens">
      <div>
        <h2 id="tokens">Access tokens</h2>
        <p>
          For the command line and automation. A token never has more rights than you have now, and cannot make tokens.
        </p>
      </div>
      <div className="card">
        <List
          of={tokens}
          items={tokens.data}
          what="Access tokens"
          label="Your access tokens"
          columns={['Name', 'Role', 'Token', 'Created', 'Expires', ACTIONS]}
          bones={[2, 60, 40, 50, 40, 40, 30]}
          empty={null}
        >
          {token => <Row key={token.id} token={token} onDelete={() => setAct({ kind: 'delete', token })} />}
        </List>
        <div className="pager">
          <span>{count === 1 ? '1 token' : count ? `${count} tokens` : 'No tokens'}</span>
          <Button size="small" onPress={() => setAct({ kind: 'create' })}>
            Create a token
          </Button>
        </div>
      </div>
      {act?.kind === 'create' && <CreateToken onClose={close} />}
      {act?.kind === 'delete' && <DeleteToken token={act.token} onClose={close} />}
    </section>
  )
}

function Row({ token, onDelete }: { token: Token; onDelete: () => void }) {
  const end = token.expiresAt
  const isOver = !!end && Date.parse(end) <= now()
  return (
    <tr className={isOver ? 'dim' : undefined}>
      <td>
        <span className="row wide-gap">
          <Terminal {...ico} className="faint" />
          <span className="strong">
            <Text clip>{token.name}</Text>
          </span>
        </span>
      </td>
      <td>{roleName(token.role as Role)}</td>
      <td>
        <code className="muted">kwp_…{token.last4}</code>
      </td>
      <td className="muted num nowrap" title={exact(token.createdAt)}>
        {date(token.createdAt)}
      </td>
      <td className="muted num nowrap" title={end ? exact(end) : undefined}>
        {!end ? 'Never' : isOver ? 'Expired' : date(end)}
      </td>
      <td className="right">
        <Button kind="ghost" size="small" aria-label={`Delete the token ${visible(token.name)}`} onPress={onDelete}>
          Delete
        </Button>
      </td>
    </tr>
  )
}

function CreateToken({ onClose }: { onClose: () => void }) {
  const client = useQueryClient()
  const mine = useSession().member.role
  const [name, setName] = useState('')
  const [role, setRole] = useState<Role>(mine)
  const [expiry, setExpiry] = useState('90')
  const [tried, setTried] = useState(false)
  const [made, setMade] = useState<Holder | null>(null)
  const make = useMutation({
    mutationFn: async () => {
      const expiresAt = expiry === 'none' ? undefined : new Date(now() + +expiry * DAY).toISOString().slice(0, 10)
      const { secret } = await createToken({ name: name.trim(), role, expiresAt })
      setMade({ secret })
    },
    gcTime: 0,
    onSuccess: () => client.invalidateQueries({ queryKey: tokensQuery.queryKey }),
  })
  const refused = faults(make.error).name
  if (made) return <TokenMade holder={made} onDone={onClose} />
  const fault = !name.trim()
    ? 'Give the token a name.'
    : length(name.trim()) > NAME_MAX && 'A name has at most 100 characters.'
  const roles = (['OWNER', 'ADMIN', 'USER'] as Role[]).slice(['OWNER', 'ADMIN', 'USER'].indexOf(mine))
  return (
    <FormDialog
      onClose={onClose}
      size="narrow"
      title="Create a token"
      action="Create token"
      pending={make.isPending}
      onSend={() => {
        setTried(true)
        if (!fault) make.mutate()
      }}
    >
      <Refusal error={refused ? null : make.error} />
      <TextField
        label="Name"
        value={name}
        onChange={setName}
        placeholder="terraform"
        error={(tried && fault) || refused}
        autoFocus
        inputProps={{ autoComplete: 'off' }}
      />
      <Select
        label="Role"
        value={role}
        onChange={to => setRole(to as Role)}
        items={roles.map(id => ({ id, name: roleName(id) }))}
      />
      <div className="field">
        <span className="name">Expiry</span>
        <Segmented label="Expiry" value={expiry} onChange={setExpiry} items={EXPIRIES} />
      </div>
    </FormDialog>
  )
}

function TokenMade({ holder, onDone }: { holder: Holder; onDone: () => void }) {
  const guard = useSecretGuard(holder, onDone, {
    title: 'Is the token stored?',
    text: 'It is not shown again. If it gets lost, delete it and create another.',
  })
  return (
    <>
      <Dialog
        open
        onClose={guard.ask}
        size="narrow"
        title="Token created"
        foot={
          <Button kind="primary" onPress={guard.ask}>
            Done
          </Button>
        }
      >
        <CopyField label="Token" value={holder.secret} copyLabel="Copy the token" toast="Token copied to clipboard" />
        <Notice kind="warn">The token is shown only now. Treat it like a password.</Notice>
      </Dialog>
      {guard.dialog}
    </>
  )
}

function DeleteToken({ token, onClose }: { token: Token; onClose: () => void }) {
  const client = useQueryClient()
  return (
    <DeleteDialog
      name={token.name}
      ask="Delete the token"
      action="Delete token"
      toast="Token deleted."
      remove={() => deleteToken(token.id)}
      refresh={() => client.invalidateQueries({ queryKey: tokensQuery.queryKey })}
      onClose={onClose}
    >
      <p>Whatever uses it loses access at once.</p>
    </DeleteDialog>
  )
}
