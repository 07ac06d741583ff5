// What permissions look like. The scopes come from the server's registry, in the session.
import type { Key } from '../api/keys'
import type { Scope } from '../api/session'
import { useSession } from '../api/session'
import { DAY, list, now, num, until } from './format'
import { Hint } from './button'
import { Status, Tag } from './tag'
import { Text } from './text'

/** The words of the actions that every built-in scope has. */
const ACTIONS: Record<string, { title: string; note: string }> = {
  create: { title: 'Create', note: 'Add new records' },
  read: { title: 'Read', note: 'Retrieve existing records' },
  update: { title: 'Update', note: 'Change existing records' },
  delete: { title: 'Delete', note: 'Remove records' },
}

/** What is said of the built-in scopes, and how a sentence names what they give access to. */
const SCOPES: Record<string, { note: string; noun: string; kind: string }> = {
  contacts: { note: 'Reading and writing your CRM contacts over the API', noun: 'contacts', kind: 'contacts' },
  'document-extraction': {
    note: 'Programmatic document extraction operations',
    noun: 'document extractions',
    kind: 'documents',
  },
}

export const actionTitle = (action: string) => ACTIONS[action]?.title ?? action[0].toUpperCase() + action.slice(1)
export const actionNote = (action: string) => ACTIONS[action]?.note
export const scopeNote = (scope: Scope) => SCOPES[scope.scope]?.note
const scopeNoun = (scope: Scope) => SCOPES[scope.scope]?.noun ?? scope.badge.toLowerCase()

/** The actions of a scope that are among these permissions, in the registry's order. */
export const granted = (permissions: string[], scope: Scope) =>
  scope.actions.filter(action => permissions.includes(`${scope.scope}:${action}`))

/** "Delete on Contacts" */
export function permissionName(scopes: Scope[], permission: string): string {
  const [id, action = ''] = permission.split(':')
  const scope = scopes.find(scope => scope.scope === id)
  return scope ? `${actionTitle(action)} on ${scope.badge}` : permission
}

/** What a key may touch, as badges; the tooltip says it in words. */
export function AccessBadges({ apiKey }: { apiKey: Key }) {
  const held = useSession().scopes.filter(scope => granted(apiKey.effectivePermissions, scope).length > 0)
  if (held.length === 0) {
    return (
      <Hint
        className="row"
        tip={`${apiKey.createdBy.name} created this key and no longer holds its permissions. An owner or admin can make a new key in its place.`}
      >
        <Tag kind="none">No access</Tag>
      </Hint>
    )
  }
  const words = held.map(scope => {
    const actions = granted(apiKey.effectivePermissions, scope)
    return `${scope.title}: ${list(actions.map(actionTitle))}`
  })
  return (
    <Hint className="row badges" tip={words.join('\n')}>
      {held.map(scope => (
        <Tag key={scope.scope} kind={SCOPES[scope.scope]?.kind ?? 'other'}>
          {scope.badge}
          <Bars permissions={apiKey.effectivePermissions} scope={scope} />
        </Tag>
      ))}
    </Hint>
  )
}

/** How wide an access is, at a glance: a bar for each action, solid when granted. */
function Bars({ permissions, scope }: { permissions: string[]; scope: Scope }) {
  return (
    <svg className="bars" width={scope.actions.length * 4.25} height="9" aria-hidden="true">
      {scope.actions.map((action, at) => (
        <rect
          key={action}
          x={at * 4.25}
          width="2.75"
          height="9"
          rx="1"
          fill="currentColor"
          opacity={permissions.includes(`${scope.scope}:${action}`) ? 0.9 : 0.22}
        />
      ))}
    </svg>
  )
}

/** How long before its end a key is said to expire, in days. */
export const EXPIRES_SOON = 14

export const expiresSoon = (key: Key) =>
  key.status === 'ACTIVE' && key.expiresAt !== null && Date.parse(key.expiresAt) - now() < EXPIRES_SOON * DAY

export function KeyStatus({ apiKey }: { apiKey: Key }) {
  if (apiKey.status === 'DISABLED') return <Status kind="off">Disabled</Status>
  if (apiKey.status === 'EXPIRED') return <Status kind="bad">Expired</Status>
  if (expiresSoon(apiKey)) return <Status kind="warn">Expires in {until(apiKey.expiresAt!)}</Status>
  return <Status kind="good">Active</Status>
}

/** The parts of the sentence that sums a key up: "read and update contacts". */
export function sentence(scopes: Scope[], permissions: string[]): string[] {
  return scopes.flatMap(scope => {
    const actions = granted(permissions, scope)
    return actions.length
      ? [`${list(actions.map(action => actionTitle(action).toLowerCase()))} ${scopeNoun(scope)}`]
      : []
  })
}

/** One sentence that says what the key will be able to do. */
export function Sentence({
  name,
  agent,
  permissions,
  addresses,
  limits,
  expires,
}: {
  name: string
  agent: string
  permissions: string[]
  addresses: number
  limits: { perMinute: number; perHour: number }
  expires: string | null
}) {
  const parts = sentence(useSession().scopes, permissions)
  const of = (
    <b>
      <Text>{agent}</Text>
    </b>
  )
  const key = <b>{name.trim() ? <Text>{name.trim()}</Text> : 'This key'}</b>
  if (parts.length === 0) {
    return (
      <p className="summary" aria-live="polite">
        {key} may do nothing with {of} yet. Choose at least one action.
      </p>
    )
  }
  return (
    <p className="summary" aria-live="polite">
      {key} may{' '}
      {parts.map((part, at) => (
        <span key={part}>
          {at > 0 && ', and '}
          <b>{part}</b>
        </span>
      ))}{' '}
      of {of}, from{' '}
      <b>
        {addresses ? `${addresses} ${addresses === 1 ? 'address or range' : 'addresses or ranges'}` : 'any address'}
      </b>
      , up to <b>{num(limits.perMinute)} requests a minute</b> and <b>{num(limits.perHour)} an hour</b>. It{' '}
      {expires ? (
        <>
          stops working after <b>{expires}</b>
        </>
      ) : (
        <b>does not expire</b>
      )}
      .
    </p>
  )
}
