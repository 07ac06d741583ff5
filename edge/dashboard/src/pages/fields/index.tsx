import { useState } from 'react'
import { useQuery } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'
import { ListPlus, Pencil, Plus, Trash2 } from 'lucide-react'
import * as A from 'react-aria-components'
import { agentsQuery } from '../../api/agents'
import { fieldsQuery, type Field } from '../../api/fields'
import { useCanWrite } from '../../api/session'
import { Button } from '../../ui/button'
import { date, exact, visible } from '../../ui/format'
import { ico } from '../../ui/icons'
import { List } from '../../ui/list'
import { ActionsCell, Item } from '../../ui/menu'
import { Page } from '../../ui/page'
import { Empty } from '../../ui/states'
import { ACTIONS } from '../../ui/table'
import { Tag } from '../../ui/tag'
import { Text } from '../../ui/text'
import { shown } from '../contacts/values'
import { said, typeName } from './draft'
import { FieldForm } from './form'
import { RemoveField } from './remove'

type Act = { kind: 'add' } | { kind: 'edit' | 'remove'; field: Field } | null

/** The custom fields that the contacts of an agent have. */
export function ContactFields() {
  const { agent: agentId } = useParams({ strict: false }) as { agent: string }
  const agent = useQuery(agentsQuery).data?.find(agent => agent.id === agentId)
  const fields = useQuery(fieldsQuery(agentId))
  const canWrite = useCanWrite()
  const [act, setAct] = useState<Act>(null)
  const close = () => setAct(null)
  const all = fields.data ?? []
  const add = canWrite && (
    <Button kind="primary" onPress={() => setAct({ kind: 'add' })}>
      <Plus {...ico} />
      Add a field
    </Button>
  )
  return (
    <Page
      crumbs={[{ name: agent ? <Text>{agent.name}</Text> : '…' }, { name: 'Contact fields' }]}
      about={['Contact fields', agent && visible(agent.name)]}
      title="Contact fields"
      subtitle="What contacts hold beside the standard fields. Every write is held to it."
      actions={all.length > 0 && add}
    >
      <div className="card">
        <List
          of={fields}
          items={fields.data}
          what="Contact fields"
          columns={['Name', 'Type', 'Rules', 'Default', 'Added', canWrite && ACTIONS]}
          bones={[4, 60, 50, 60, 40, 50, 30]}
          kind="tall"
          empty={
            <Empty icon={<ListPlus {...ico} />} title="No contact fields yet." action={add}>
              As long as there is none, any custom field is taken as it comes. From the first one on, only declared
              fields are, each with a value that fits.
            </Empty>
          }
        >
          {field => <Row key={field.key} field={field} canWrite={canWrite} onAct={setAct} />}
        </List>
      </div>
      {all.length > 0 && (
        <p className="small muted below">
          A change never touches what is stored: a value that fits no more stays with its contact until it is changed.
        </p>
      )}
      {act?.kind === 'add' && <FieldForm agentId={agentId} fields={all} onClose={close} />}
      {act?.kind === 'edit' && <FieldForm agentId={agentId} field={act.field} fields={all} onClose={close} />}
      {act?.kind === 'remove' && (
        <RemoveField agentId={agentId} field={act.field} isLast={all.length === 1} onClose={close} />
      )}
    </Page>
  )
}

function Row({ field, canWrite, onAct }: { field: Field; canWrite: boolean; onAct: (act: Act) => void }) {
  const words = said(field)
  return (
    <tr>
      <td>
        <span className="name">
          <Text clip>{field.title}</Text>
        </span>
        <span className="sub">
          <code>{field.key}</code>
        </span>
      </td>
      <td className="nowrap">{typeName(field.type)}</td>
      <td>
        <span className="row tags">
          {field.required && <Tag mini>Required</Tag>}
          {field.unique && <Tag mini>Unique</Tag>}
          {words.length > 0 && (
            <span className="small muted" title={field.options.map(visible).join(', ') || undefined}>
              {words.join(', ')}
            </span>
          )}
          {!field.required && !field.unique && words.length === 0 && <span className="faint">None</span>}
        </span>
      </td>
      <td className="muted">
        {field.default === null || field.default === undefined ? (
          <span className="faint">None</span>
        ) : (
          <Text clip>{shown(field.type, field.default)}</Text>
        )}
      </td>
      <td className="muted num nowrap" title={exact(field.createdAt)}>
        {date(field.createdAt)}
      </td>
      {canWrite && (
        <ActionsCell name={field.title}>
          <Item icon={<Pencil {...ico} />} onAction={() => onAct({ kind: 'edit', field })}>
            Edit
          </Item>
          <A.Separator />
          <Item danger icon={<Trash2 {...ico} />} onAction={() => onAct({ kind: 'remove', field })}>
            Remove
          </Item>
        </ActionsCell>
      )}
    </tr>
  )
}
