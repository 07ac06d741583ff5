import { useState } from 'react'
import { useQuery } from '@tanstack/react-query'
import { Link, useSearch } from '@tanstack/react-router'
import { Bot, Pencil, Plus, Trash2 } from 'lucide-react'
import * as A from 'react-aria-components'
import { agentsQuery, type Agent } from '../../api/agents'
import { useCanWrite } from '../../api/session'
import { Button } from '../../ui/button'
import { CopyButton } from '../../ui/copy'
import { date, exact, visible } from '../../ui/format'
import { ico } from '../../ui/icons'
import { List } from '../../ui/list'
import { ActionsCell, Item } from '../../ui/menu'
import { Page } from '../../ui/page'
import { Empty } from '../../ui/states'
import { ACTIONS } from '../../ui/table'
import { Tag } from '../../ui/tag'
import { Text } from '../../ui/text'
import { CreateAgent, DeleteAgent, RenameAgent } from './dialogs'

type Act = { kind: 'create' } | { kind: 'rename' | 'delete'; agent: Agent } | null

export function Agents() {
  const agents = useQuery(agentsQuery)
  const canWrite = useCanWrite()
  // The menu of agents, and the form of a key without one, lead here to make one.
  const { create: isAsked } = useSearch({ from: '/shell/agents' })
  const [act, setAct] = useState<Act>(isAsked && canWrite ? { kind: 'create' } : null)
  const close = () => setAct(null)
  const create = canWrite && (
    <Button kind="primary" onPress={() => setAct({ kind: 'create' })}>
      <Plus {...ico} />
      Create an agent
    </Button>
  )
  return (
    <Page
      crumbs={[{ name: 'Agents' }]}
      about={['Agents']}
      title="Agents"
      subtitle="What API keys act on. Each has its own contacts, documents and keys."
      actions={create}
    >
      <div className="card">
        <List
          of={agents}
          items={agents.data}
          what="Agents"
          columns={['Name', 'Mode', 'Id', 'Created', canWrite && ACTIONS]}
          bones={[3, 60, 30, 70, 40, 30]}
          kind="tall"
          empty={
            <Empty icon={<Bot {...ico} />} title="No agents yet." action={create}>
              {canWrite ? 'Create one, and add API keys to it.' : 'An owner or an admin can create the first one.'}
            </Empty>
          }
        >
          {agent => <Row key={agent.id} agent={agent} canWrite={canWrite} onAct={setAct} />}
        </List>
      </div>
      {act?.kind === 'create' && <CreateAgent onClose={close} />}
      {act?.kind === 'rename' && <RenameAgent agent={act.agent} onClose={close} />}
      {act?.kind === 'delete' && <DeleteAgent agent={act.agent} onClose={close} />}
    </Page>
  )
}

function Row({ agent, canWrite, onAct }: { agent: Agent; canWrite: boolean; onAct: (act: Act) => void }) {
  const name = visible(agent.name)
  return (
    <tr>
      <td>
        <Link to="/agents/$agent/api-permissions" params={{ agent: agent.id }} className="name">
          <Text clip>{agent.name}</Text>
        </Link>
        <span className="sub">
          <Link to="/agents/$agent/contacts" params={{ agent: agent.id }} className="link quiet">
            Contacts<span className="sr"> of {name}</span>
          </Link>
        </span>
      </td>
      <td>{agent.mode === 'TEST' ? <Tag kind="warn">Test</Tag> : <Tag kind="good">Live</Tag>}</td>
      <td>
        <span className="row">
          <code className="muted">{agent.id}</code>
          <CopyButton text={agent.id} label={`Copy the id of ${name}`} toast="Agent id copied to clipboard" />
        </span>
      </td>
      <td className="muted num nowrap" title={exact(agent.createdAt)}>
        {date(agent.createdAt)}
      </td>
      {canWrite && (
        <ActionsCell name={agent.name}>
          <Item icon={<Pencil {...ico} />} onAction={() => onAct({ kind: 'rename', agent })}>
            Rename
          </Item>
          <A.Separator />
          <Item danger icon={<Trash2 {...ico} />} onAction={() => onAct({ kind: 'delete', agent })}>
            Delete
          </Item>
        </ActionsCell>
      )}
    </tr>
  )
}
