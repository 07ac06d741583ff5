import { useState } from 'react'
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router'
import {
  Archive,
  ArchiveRestore,
  ContactRound,
  Download,
  History,
  Pencil,
  Plus,
  SearchX,
  Trash2,
  Upload,
  X,
} from 'lucide-react'
import * as A from 'react-aria-components'
import { agentsQuery } from '../../api/agents'
import { contactCountQuery, contactsQuery, exportPath, type Contact, type ContactFilter } from '../../api/contacts'
import { useCanWrite } from '../../api/session'
import type { ContactsSearch } from '../../router'
import { Button } from '../../ui/button'
import { ago, exact, num, visible } from '../../ui/format'
import { ico, icoS } from '../../ui/icons'
import { List } from '../../ui/list'
import { ActionsCell, Item, Menu } from '../../ui/menu'
import { Older } from '../../ui/older'
import { Page } from '../../ui/page'
import { SearchBox } from '../../ui/search-box'
import { FilterSelect } from '../../ui/select'
import { Empty } from '../../ui/states'
import { ACTIONS } from '../../ui/table'
import { Tag } from '../../ui/tag'
import { Text } from '../../ui/text'
import { DeleteContact, useArchive } from './dialogs'
import type { Draft } from './draft'
import { FieldFilters } from './field-filter'
import { ContactForm } from './form'
import { ImportDialog } from './import'
import { calledContact, Stage, STAGES } from './names'

/** As many tags of a contact as a row shows. */
const TAGS = 3
const SORTS = [
  { id: '-createdAt', name: 'Newest first' },
  { id: 'createdAt', name: 'Oldest first' },
  { id: '-updatedAt', name: 'Last changed first' },
  { id: 'name', name: 'By name' },
]

type Act = { kind: 'add' | 'import' } | { kind: 'edit' | 'delete'; contact: Contact } | null

export function Contacts() {
  const { agent: id } = useParams({ strict: false }) as { agent: string }
  const agent = useQuery(agentsQuery).data?.find(agent => agent.id === id)
  const search: ContactsSearch = useSearch({ strict: false })
  const go = useNavigate()
  const narrow = (part: ContactsSearch) =>
    go({ to: '.', search: (before: ContactsSearch) => ({ ...before, ...part }), replace: true })
  const canWrite = useCanWrite()
  const [act, setAct] = useState<Act>(null)
  const close = () => setAct(null)
  const [kept, setKept] = useState<Draft | null>(null)
  const filter: ContactFilter = {
    search: search.q,
    stage: search.stage,
    status: search.status,
    tag: search.tag,
    custom: search.fields,
  }
  const isFiltered = !!(search.q || search.stage || search.status || search.tag || search.fields)
  const contacts = useInfiniteQuery(contactsQuery(id, filter, search.sort))
  const items = contacts.data?.pages.flatMap(page => page.items)
  const count = useQuery(contactCountQuery(id, filter)).data
  const name = agent ? visible(agent.name) : 'Agent'
  const clear = () => narrow({ q: undefined, stage: undefined, status: undefined, tag: undefined, fields: undefined })
  const isEmpty = items?.length === 0 && !isFiltered
  return (
    <Page
      crumbs={[{ name }, { name: 'Contacts' }]}
      about={['Contacts', agent && name]}
      title="Contacts"
      subtitle={`What API keys and members read and write for ${agent ? name : 'this agent'}.`}
      actions={<Actions agentId={id} filter={filter} canWrite={canWrite} onAct={setAct} />}
    >
      {!isEmpty && (
        <div className="toolbar">
          <SearchBox
            label="Search contacts"
            placeholder="Search contacts"
            value={search.q ?? ''}
            onChange={q => narrow({ q: q || undefined })}
          />
          <FilterSelect
            label="Stage"
            value={search.stage}
            onChange={stage => narrow({ stage })}
            items={[{ id: 'ANY', name: 'All stages' }, ...STAGES.map(([id, name]) => ({ id, name }))]}
          />
          <FilterSelect
            label="Status"
            value={search.status}
            onChange={status => narrow({ status })}
            items={[
              { id: 'ACTIVE', name: 'Active' },
              { id: 'ARCHIVED', name: 'Archived' },
              { id: 'ANY', name: 'Active and archived' },
            ]}
          />
          <FilterSelect label="Order" value={search.sort} onChange={sort => narrow({ sort })} items={SORTS} />
          {search.tag && (
            <Button size="small" onPress={() => narrow({ tag: undefined })} aria-label="All tags">
              Tag: <Text clip>{search.tag}</Text>
              <X {...icoS} />
            </Button>
          )}
          <FieldFilters agentId={id} chosen={search.fields ?? {}} onChange={fields => narrow({ fields })} />
          <span className="count num" role="status">
            {items && typeof count === 'number' ? `${num(count)} ${count === 1 ? 'contact' : 'contacts'}` : ''}
          </span>
        </div>
      )}
      <div className="card">
        <List
          of={contacts}
          items={items}
          what="Contacts"
          caption={<>Contacts of {name}</>}
          columns={['Name', 'Email', 'Mobile number', 'Stage', 'Tags', 'Changed', canWrite && ACTIONS]}
          bones={[8, 60, 70, 60, 40, 50, 40, 30]}
          kind="tall"
          empty={
            isFiltered ? (
              <Empty
                icon={<SearchX {...ico} />}
                title="No contact matches"
                action={<Button onPress={clear}>Clear filters</Button>}
              >
                Try other words, or all stages and statuses.
              </Empty>
            ) : (
              <Empty icon={<ContactRound {...ico} />} title="No contacts yet.">
                {canWrite
                  ? 'Contacts that an API key creates appear here. Add one by hand, or import a file.'
                  : 'Contacts that an API key creates appear here.'}
              </Empty>
            )
          }
          foot={<Older of={contacts} order={SORTS.find(({ id }) => id === search.sort)?.name} />}
        >
          {contact => (
            <Row
              key={contact.id}
              agent={id}
              contact={contact}
              canWrite={canWrite}
              onAct={setAct}
              onTag={tag => narrow({ tag })}
            />
          )}
        </List>
      </div>
      {act?.kind === 'add' && (
        <ContactForm
          agentId={id}
          onClose={close}
          kept={kept}
          onKeep={setKept}
          onMade={made => go({ to: '/agents/$agent/contacts/$contact', params: { agent: id, contact: made.id } })}
        />
      )}
      {act?.kind === 'edit' && <ContactForm agentId={id} contact={act.contact} onClose={close} />}
      {act?.kind === 'import' && <ImportDialog agentId={id} onClose={close} />}
      {act?.kind === 'delete' && <DeleteContact agentId={id} contact={act.contact} onClose={close} />}
    </Page>
  )
}

function Actions({
  agentId,
  filter,
  canWrite,
  onAct,
}: {
  agentId: string
  filter: ContactFilter
  canWrite: boolean
  onAct: (act: Act) => void
}) {
  const go = useNavigate()
  return (
    <>
      <Menu
        label="Export"
        trigger={
          <Button>
            <Download {...ico} />
            Export
          </Button>
        }
      >
        <Item href={exportPath(agentId, filter, 'CSV')} download="contacts.csv">
          CSV, for a spreadsheet
        </Item>
        <Item href={exportPath(agentId, filter, 'NDJSON')} download="contacts.ndjson">
          NDJSON, a contact a line
        </Item>
      </Menu>
      <Menu
        label="Import"
        trigger={
          <Button>
            <Upload {...ico} />
            Import
          </Button>
        }
      >
        {canWrite && (
          <Item icon={<Upload {...ico} />} onAction={() => onAct({ kind: 'import' })}>
            Import a file
          </Item>
        )}
        <Item
          icon={<History {...ico} />}
          onAction={() => go({ to: '/agents/$agent/contact-imports', params: { agent: agentId } })}
        >
          Earlier imports
        </Item>
      </Menu>
      {canWrite && (
        <Button kind="primary" onPress={() => onAct({ kind: 'add' })}>
          <Plus {...ico} />
          Add a contact
        </Button>
      )}
    </>
  )
}

function Row({
  agent,
  contact,
  canWrite,
  onAct,
  onTag,
}: {
  agent: string
  contact: Contact
  canWrite: boolean
  onAct: (act: Act) => void
  onTag: (tag: string) => void
}) {
  const tags = contact.tags ?? []
  return (
    <tr className={contact.status === 'ARCHIVED' ? 'dim' : undefined}>
      <td>
        <Link to="/agents/$agent/contacts/$contact" params={{ agent, contact: contact.id }} className="name">
          <Text clip>{calledContact(contact)}</Text>
        </Link>
        <span className="sub">
          <code className="clip">
            <Text clip>{contact.externalReferenceId ?? contact.id}</Text>
          </code>
          {contact.status === 'ARCHIVED' && <Tag mini>Archived</Tag>}
        </span>
      </td>
      <td className="muted">{contact.email && <Text clip>{contact.email}</Text>}</td>
      <td className="num nowrap muted">{contact.mobileNumber}</td>
      <td>
        <Stage of={contact.stage} />
      </td>
      <td>
        <span className="row tags">
          {tags.slice(0, TAGS).map(tag => (
            <A.Button
              key={tag}
              className="tag-button"
              aria-label={`Only contacts with the tag ${visible(tag)}`}
              onPress={() => onTag(tag)}
            >
              <Tag kind="" mini>
                <Text clip>{tag}</Text>
              </Tag>
            </A.Button>
          ))}
          {tags.length > TAGS && <span className="small faint">and {tags.length - TAGS} more</span>}
        </span>
      </td>
      <td className="num nowrap muted" title={exact(contact.updatedAt)}>
        {ago(contact.updatedAt)}
      </td>
      {canWrite && <RowActions agent={agent} contact={contact} onAct={onAct} />}
    </tr>
  )
}

function RowActions({ agent, contact, onAct }: { agent: string; contact: Contact; onAct: (act: Act) => void }) {
  const archive = useArchive(agent)
  const isActive = contact.status === 'ACTIVE'
  return (
    <ActionsCell name={calledContact(contact)}>
      <Item icon={<Pencil {...ico} />} onAction={() => onAct({ kind: 'edit', contact })}>
        Edit
      </Item>
      <Item
        icon={isActive ? <Archive {...ico} /> : <ArchiveRestore {...ico} />}
        onAction={() => archive.mutate(contact)}
      >
        {isActive ? 'Archive' : 'Unarchive'}
      </Item>
      <A.Separator />
      <Item danger icon={<Trash2 {...ico} />} onAction={() => onAct({ kind: 'delete', contact })}>
        Delete
      </Item>
    </ActionsCell>
  )
}
