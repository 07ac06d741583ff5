import { useState, type ReactNode } from 'react'
import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useParams } from '@tanstack/react-router'
import { Archive, ArchiveRestore, ContactRound, Download, Pencil, Trash2 } from 'lucide-react'
import * as A from 'react-aria-components'
import { agentsQuery } from '../../api/agents'
import { contactQuery, holdingsPath, twinsQuery, type Contact } from '../../api/contacts'
import { fieldsQuery } from '../../api/fields'
import { useCanWrite } from '../../api/session'
import { Button } from '../../ui/button'
import { CopyButton } from '../../ui/copy'
import { exact, visible } from '../../ui/format'
import { ico } from '../../ui/icons'
import { ActionsMenu, Item } from '../../ui/menu'
import { One } from '../../ui/one'
import { Page } from '../../ui/page'
import { Notice } from '../../ui/states'
import { Status, Tag } from '../../ui/tag'
import { Text } from '../../ui/text'
import { DeleteContact, useArchive } from './dialogs'
import { undeclared } from './draft'
import { Files } from './files'
import { ContactForm } from './form'
import { calledContact, Stage } from './names'
import { shown } from './values'

type Act = 'edit' | 'delete' | null

export function ContactPage() {
  const { agent: agentId, contact: id } = useParams({ strict: false }) as { agent: string; contact: string }
  const agent = useQuery(agentsQuery).data?.find(agent => agent.id === agentId)
  const query = useQuery(contactQuery(agentId, id))
  const canWrite = useCanWrite()
  const navigate = useNavigate()
  const [act, setAct] = useState<Act>(null)
  const close = () => setAct(null)
  const contact = query.data
  const list = `/agents/${agentId}/contacts`
  const name = contact ? visible(calledContact(contact)) : 'Contact'
  return (
    <Page
      crumbs={[{ name: agent ? visible(agent.name) : 'Agent' }, { name: 'Contacts', to: list }, { name }]}
      about={[name, 'Contacts']}
      title={contact ? <Text clip>{calledContact(contact)}</Text> : 'Contact'}
      status={
        contact &&
        (contact.status === 'ARCHIVED' ? <Status kind="off">Archived</Status> : <Status kind="good">Active</Status>)
      }
      subtitle={contact && `Version ${contact.version}, changed ${exact(contact.updatedAt)}`}
      actions={contact && canWrite && <Actions agentId={agentId} contact={contact} onAct={setAct} />}
    >
      <One of={query} what="contact" icon={<ContactRound {...ico} />} list={list}>
        {contact => (
          <div className="stack">
            <Twins agentId={agentId} contact={contact} />
            <Standard contact={contact} />
            <Custom agentId={agentId} contact={contact} />
            <Notes notes={contact.notes} />
            <Files agentId={agentId} contactId={contact.id} canWrite={canWrite} />
          </div>
        )}
      </One>
      {act === 'edit' && contact && <ContactForm agentId={agentId} contact={contact} onClose={close} />}
      {act === 'delete' && contact && (
        <DeleteContact agentId={agentId} contact={contact} onClose={close} onGone={() => navigate({ to: list })} />
      )}
    </Page>
  )
}

function Actions({ agentId, contact, onAct }: { agentId: string; contact: Contact; onAct: (act: Act) => void }) {
  const archive = useArchive(agentId)
  const isActive = contact.status === 'ACTIVE'
  return (
    <>
      <Button onPress={() => onAct('edit')}>
        <Pencil {...ico} />
        Edit
      </Button>
      <ActionsMenu label="More actions" isOfPage>
        <Item
          icon={isActive ? <Archive {...ico} /> : <ArchiveRestore {...ico} />}
          onAction={() => archive.mutate(contact)}
        >
          {isActive ? 'Archive' : 'Unarchive'}
        </Item>
        <Item
          icon={<Download {...ico} />}
          href={holdingsPath(agentId, contact.id)}
          download={`contact-${contact.id}.json`}
        >
          Export all that is held
        </Item>
        <A.Separator />
        <Item danger icon={<Trash2 {...ico} />} onAction={() => onAct('delete')}>
          Delete
        </Item>
      </ActionsMenu>
    </>
  )
}

/** Others with the same email address or mobile number. */
function Twins({ agentId, contact: { id, email, mobileNumber } }: { agentId: string; contact: Contact }) {
  const twins = useQuery(twinsQuery(agentId, { id, email, mobileNumber })).data ?? []
  if (twins.length === 0) return null
  return (
    <Notice kind="warn">
      {twins.length === 1 ? 'Another contact has' : `${twins.length} other contacts have`} the same email address or
      mobile number:{' '}
      {twins.map((twin, at) => (
        <span key={twin.id}>
          {at > 0 && ', '}
          <Link to="/agents/$agent/contacts/$contact" params={{ agent: agentId, contact: twin.id }} className="link">
            <Text>{calledContact(twin)}</Text>
          </Link>
          {twin.status === 'ARCHIVED' && ' (archived)'}
        </span>
      ))}
    </Notice>
  )
}

function Facts({ id, title, rows }: { id: string; title: string; rows: [ReactNode, ReactNode][] }) {
  return (
    <section className="card" aria-labelledby={id}>
      <div className="card-head">
        <h2 id={id}>{title}</h2>
      </div>
      <dl className="facts">
        {rows.map(([name, value], at) => (
          <div key={at}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </section>
  )
}

const text = (value: string | null | undefined): ReactNode =>
  value ? <Text>{value}</Text> : <span className="faint">None</span>

const tags = (of: string[]): ReactNode =>
  of.length ? (
    <span className="row tags">
      {of.map(tag => (
        <Tag key={tag} kind="" mini>
          <Text>{tag}</Text>
        </Tag>
      ))}
    </span>
  ) : (
    text(null)
  )

function Standard({ contact }: { contact: Contact }) {
  const rows: [ReactNode, ReactNode][] = [
    ['Reference', text(contact.externalReferenceId)],
    [
      'Id',
      <span className="row" key="id">
        <code>{contact.id}</code>
        <CopyButton text={contact.id} label="Copy the id" toast="Contact id copied to clipboard" />
      </span>,
    ],
    ['Name', text(contact.name)],
    ['Email', text(contact.email)],
    ['Mobile number', text(contact.mobileNumber)],
    ['Gender', text(contact.gender)],
    ['Stage', <Stage key="stage" of={contact.stage} />],
    ['Source', text(contact.source)],
    ['Tags', tags(contact.tags)],
    ['Created', exact(contact.createdAt)],
    ...(contact.archivedAt ? [['Archived', exact(contact.archivedAt)] as [ReactNode, ReactNode]] : []),
  ]
  return <Facts id="contact-fields" title="Fields" rows={rows} />
}

/** The values of the agent's fields, in their order, and then those that no field is declared for. */
function Custom({ agentId, contact }: { agentId: string; contact: Contact }) {
  // Should the fields not be there, the values are shown under their keys.
  const fields = useQuery(fieldsQuery(agentId)).data ?? []
  const rest = undeclared(contact, fields)
  const rows: [ReactNode, ReactNode][] = fields.map(({ key, title, type }) => {
    const value = contact.customFields[key]
    const isList = type === 'MULTI_SELECT' && Array.isArray(value)
    return [
      <Text key={key}>{title}</Text>,
      isList ? tags(value.map(String)) : value === undefined ? text(null) : <Lines text={shown(type, value)} />,
    ]
  })
  for (const [key, value] of rest) {
    rows.push([
      <span key={key} className="row wrap">
        <Text>{key}</Text>
        {fields.length > 0 && (
          <Tag kind="none" mini>
            No field
          </Tag>
        )}
      </span>,
      <code key="value">
        <Text>{shown(undefined, value)}</Text>
      </code>,
    ])
  }
  if (rows.length > 0) return <Facts id="contact-custom" title="Custom fields" rows={rows} />
  return (
    <section className="card" aria-labelledby="contact-custom">
      <div className="card-head">
        <h2 id="contact-custom">Custom fields</h2>
      </div>
      <p className="pad faint line-above">None</p>
    </section>
  )
}

function Notes({ notes }: { notes: string | null }) {
  return (
    <section className="card" aria-labelledby="contact-notes">
      <div className="card-head">
        <h2 id="contact-notes">Notes</h2>
      </div>
      <p className="pad notes">{notes ? <Lines text={notes} /> : <span className="faint">None</span>}</p>
    </section>
  )
}

/** Text with its own line breaks; every other control character shows as a symbol. */
function Lines({ text }: { text: string }) {
  return (
    <bdi>
      {text.split(/\r?\n/).map((line, at) => (
        <span key={at} className="block">
          {visible(line.replaceAll('\t', '    ')) || '\u00a0'}
        </span>
      ))}
    </bdi>
  )
}
