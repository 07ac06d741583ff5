import { useState } from 'react'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { LayoutTemplate, Plus, Trash2 } from 'lucide-react'
import { useCanWrite } from '../../api/session'
import { ownTemplatesQuery, type OwnTemplate } from '../../api/templates'
import { Button } from '../../ui/button'
import { date, exact, num } from '../../ui/format'
import { ico } from '../../ui/icons'
import { List } from '../../ui/list'
import { ActionsCell, Item } from '../../ui/menu'
import { Page } from '../../ui/page'
import { Empty } from '../../ui/states'
import { ACTIONS } from '../../ui/table'
import { Text } from '../../ui/text'
import { DeleteTemplate } from './delete'
import { TemplateForm } from './form'

/** What the organization wants to be found in its documents, by kinds of documents. */
export function Templates() {
  const templates = useQuery(ownTemplatesQuery)
  const canWrite = useCanWrite()
  const [isAdding, setAdding] = useState(false)
  const [deleted, setDeleted] = useState<OwnTemplate | null>(null)
  const add = canWrite && (
    <Button kind="primary" onPress={() => setAdding(true)}>
      <Plus {...ico} />
      Add a template
    </Button>
  )
  return (
    <Page
      crumbs={[{ name: 'Document templates' }]}
      about={['Document templates']}
      title="Document templates"
      subtitle="What is to be found in a kind of document, under a name that requests use. All agents share them."
      actions={!!templates.data?.length && add}
    >
      <div className="card">
        <List
          of={templates}
          items={templates.data}
          what="Document templates"
          columns={['Title', 'Description', { name: 'Version', className: 'right' }, 'Changed', canWrite && ACTIONS]}
          bones={[3, 60, 80, 20, 50, 30]}
          kind="tall"
          empty={
            <Empty icon={<LayoutTemplate {...ico} />} title="No templates of your own yet." action={add}>
              Invoices, receipts, orders, identity cards, resumes and contracts can be read without one.
            </Empty>
          }
        >
          {template => <Row key={template.name} template={template} onDelete={canWrite ? setDeleted : undefined} />}
        </List>
      </div>
      {isAdding && <TemplateForm onClose={() => setAdding(false)} />}
      {deleted && <DeleteTemplate template={deleted} onClose={() => setDeleted(null)} />}
    </Page>
  )
}

function Row({ template, onDelete }: { template: OwnTemplate; onDelete?: (template: OwnTemplate) => void }) {
  return (
    <tr>
      <td>
        <Link to="/document-templates/$template" params={{ template: template.name }} className="name">
          <Text clip>{template.title}</Text>
        </Link>
        <span className="sub">
          <code>{template.name}</code>
        </span>
      </td>
      <td className="muted">
        {template.description ? <Text clip>{template.description}</Text> : <span className="faint">None</span>}
      </td>
      <td className="num right">{num(template.version)}</td>
      <td className="muted num nowrap" title={exact(template.createdAt)}>
        {date(template.createdAt)}
      </td>
      {onDelete && (
        <ActionsCell name={template.title}>
          <Item danger icon={<Trash2 {...ico} />} onAction={() => onDelete(template)}>
            Delete
          </Item>
        </ActionsCell>
      )}
    </tr>
  )
}
