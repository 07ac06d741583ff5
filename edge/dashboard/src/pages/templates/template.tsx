import { useState } from 'react'
import { useQuery } from '@tanstack/react-query'
import { useNavigate, useParams, useSearch } from '@tanstack/react-router'
import { LayoutTemplate, Plus, Trash2 } from 'lucide-react'
import { useCanWrite } from '../../api/session'
import { ownTemplateQuery, versionsQuery, type OwnTemplate } from '../../api/templates'
import { Button } from '../../ui/button'
import { Code } from '../../ui/copy'
import { date } from '../../ui/format'
import { ico } from '../../ui/icons'
import { One } from '../../ui/one'
import { Page } from '../../ui/page'
import { Select } from '../../ui/select'
import { Text } from '../../ui/text'
import { DeleteTemplate } from './delete'
import { written } from './draft'
import { TemplateForm } from './form'

const LIST = '/document-templates'

export function TemplatePage() {
  const { template: name } = useParams({ strict: false }) as { template: string }
  const { version } = useSearch({ strict: false }) as { version?: number }
  const query = useQuery(ownTemplateQuery(name, version))
  const versions = useQuery(versionsQuery(name)).data ?? []
  const canWrite = useCanWrite()
  const go = useNavigate()
  const [act, setAct] = useState<'version' | 'delete' | null>(null)
  const close = () => setAct(null)
  const shown = query.data
  const look = (version?: number) =>
    go({ to: '/document-templates/$template', params: { template: name }, search: { version }, replace: true })
  const title = shown ? <Text clip>{shown.title}</Text> : <code>{name}</code>
  return (
    <Page
      crumbs={[{ name: 'Document templates', to: LIST }, { name: title }]}
      about={[shown?.title ?? name, 'Document templates']}
      title={title}
      subtitle={shown?.description ? <Text>{shown.description}</Text> : undefined}
      actions={
        shown &&
        canWrite && (
          <>
            <Button onPress={() => setAct('version')}>
              <Plus {...ico} />
              Add a version
            </Button>
            <Button kind="danger" onPress={() => setAct('delete')}>
              <Trash2 {...ico} />
              Delete
            </Button>
          </>
        )
      }
    >
      <One of={query} what="template" icon={<LayoutTemplate {...ico} />} list={LIST}>
        {shown => (
          <div className="stack">
            <div className="toolbar">
              <Select
                label="Version"
                hideLabel
                auto
                value={String(shown.version)}
                onChange={chosen => look(+chosen === versions[0]?.version ? undefined : +chosen)}
                items={(versions.length ? versions : [shown]).map(called)}
              />
            </div>
            <Code
              tabs={[{ id: 'schema', name: 'JSON Schema', text: written(shown.schema) }]}
              copyLabel="Copy the schema"
            />
          </div>
        )}
      </One>
      {act === 'version' && shown && <TemplateForm template={shown} onClose={close} onSaved={() => look()} />}
      {act === 'delete' && shown && <DeleteTemplate template={shown} onClose={close} onGone={() => go({ to: LIST })} />}
    </Page>
  )
}

const called = ({ version, createdAt }: OwnTemplate) => ({
  id: String(version),
  name: `Version ${version}, ${date(createdAt)}`,
})
