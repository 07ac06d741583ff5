import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Link,
  Outlet,
  redirect,
} from '@tanstack/react-router'
import type { QueryClient } from '@tanstack/react-query'
import { SearchX } from 'lucide-react'
import { agentsQuery } from './api/agents'
import { Refused } from './api/client'
import { sessionQuery } from './api/session'
import { ico } from './ui/icons'
import { lastOf } from './ui/last-agent'
import { useTitle } from './ui/page'
import { Shell } from './ui/shell'
import { Empty, Failed } from './ui/states'

// A group of pages is one chunk, loaded when one of them is opened.
const keys = () => import('./pages/keys')

/** The filters of the list of keys, as they stand in its URL. */
export type KeysSearch = {
  q?: string
  status?: 'ACTIVE' | 'DISABLED' | 'EXPIRED'
  unused?: true
  agent?: string
}
const keysSearch = (search: Record<string, unknown>): KeysSearch => ({
  q: typeof search.q === 'string' && search.q ? search.q : undefined,
  status: (['ACTIVE', 'DISABLED', 'EXPIRED'] as const).find(status => status === search.status),
  unused: search.unused === true || undefined,
  agent: typeof search.agent === 'string' && search.agent ? search.agent : undefined,
})

export type KeyTab = 'requests' | 'audit'
export type KeySearch = { tab?: KeyTab; request?: string; code?: string }
const keySearch = (search: Record<string, unknown>): KeySearch => ({
  tab: (['requests', 'audit'] as const).find(tab => tab === search.tab),
  request: typeof search.request === 'string' && search.request ? search.request : undefined,
  code: typeof search.code === 'string' && search.code ? search.code : undefined,
})

/** The filters of the list of documents, as they stand in its URL. */
export type DocumentsSearch = { status?: 'QUEUED' | 'RUNNING' | 'SUCCEEDED' | 'FAILED'; template?: string }
const documentsSearch = (search: Record<string, unknown>): DocumentsSearch => ({
  status: (['QUEUED', 'RUNNING', 'SUCCEEDED', 'FAILED'] as const).find(status => status === search.status),
  template: typeof search.template === 'string' && search.template ? search.template : undefined,
})

const entry = () => import('./pages/entry')
const agents = () => import('./pages/agents')
const contacts = () => import('./pages/contacts')
const fields = () => import('./pages/fields')
const webhooks = () => import('./pages/webhooks')
const documents = () => import('./pages/documents')
const templates = () => import('./pages/templates')
const members = () => import('./pages/members')
const audit = () => import('./pages/audit')
const settings = () => import('./pages/settings')

/** A parameter of an address that is text, and not empty. */
const text = (value: unknown) => (typeof value === 'string' && value !== '' ? value : undefined)

/** The filters and the order of the list of contacts, as they stand in its URL. */
export type ContactsSearch = {
  q?: string
  stage?: 'LEAD' | 'PROSPECT' | 'CUSTOMER' | 'OLD_CUSTOMER'
  status?: 'ARCHIVED' | 'ANY'
  tag?: string
  /** Values of custom fields, by their keys. */
  fields?: Record<string, string>
  sort?: 'createdAt' | '-updatedAt' | 'name'
}
const contactsSearch = (search: Record<string, unknown>): ContactsSearch => ({
  q: text(search.q),
  stage: (['LEAD', 'PROSPECT', 'CUSTOMER', 'OLD_CUSTOMER'] as const).find(stage => stage === search.stage),
  status: (['ARCHIVED', 'ANY'] as const).find(status => status === search.status),
  tag: text(search.tag),
  fields: texts(search.fields),
  sort: (['createdAt', '-updatedAt', 'name'] as const).find(sort => sort === search.sort),
})

/** A parameter of an address that has texts by name, at most as many as a list can be filtered by. */
function texts(value: unknown): Record<string, string> | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const all = Object.entries(value).filter((entry): entry is [string, string] => text(entry[1]) !== undefined)
  return all.length ? Object.fromEntries(all.slice(0, 10)) : undefined
}

export function build(client: QueryClient) {
  const root = createRootRoute({ component: Outlet, notFoundComponent: NotFound })
  const shell = createRoute({
    getParentRoute: () => root,
    id: 'shell',
    // Whoever is not signed in goes to the sign-in page, and comes back here from there.
    beforeLoad: async ({ location }) => {
      try {
        await client.ensureQueryData(sessionQuery)
      } catch (error) {
        if (error instanceof Refused && error.status === 401) {
          throw redirect({ href: `/sign-in?next=${encodeURIComponent(location.href)}`, replace: true })
        }
      }
    },
    component: () => (
      <Shell>
        <Outlet />
      </Shell>
    ),
  })
  const home = createRoute({
    getParentRoute: () => shell,
    path: '/',
    beforeLoad: async () => {
      const agent = lastOf(await client.ensureQueryData(agentsQuery).catch(() => []))
      throw agent
        ? redirect({ to: '/agents/$agent/api-permissions', params: { agent: agent.id }, replace: true })
        : redirect({ to: '/settings/api-permissions', replace: true })
    },
  })
  const before = { getParentRoute: () => root }
  const within = { getParentRoute: () => shell }
  return createRouter({
    routeTree: root.addChildren([
      // A build for people leaves the page and its code out.
      ...(import.meta.env.DEV
        ? [
            createRoute({
              ...before,
              path: '/design',
              component: lazyRouteComponent(() => import('./pages/design'), 'Design'),
            }),
          ]
        : []),
      createRoute({
        ...before,
        path: '/sign-in',
        validateSearch: (search: Record<string, unknown>) => ({ next: text(search.next), error: text(search.error) }),
        component: lazyRouteComponent(entry, 'SignIn'),
      }),
      createRoute({ ...before, path: '/forgot', component: lazyRouteComponent(entry, 'Forgot') }),
      createRoute({ ...before, path: '/setup', component: lazyRouteComponent(entry, 'Setup') }),
      createRoute({ ...before, path: '/invite', component: lazyRouteComponent(entry, 'Invite') }),
      createRoute({ ...before, path: '/reset', component: lazyRouteComponent(entry, 'Reset') }),
      shell.addChildren([
        home,
        createRoute({
          ...within,
          path: '/agents/$agent/api-permissions',
          validateSearch: keysSearch,
          component: lazyRouteComponent(keys, 'AgentKeys'),
        }),
        createRoute({
          ...within,
          path: '/settings/api-permissions',
          validateSearch: keysSearch,
          component: lazyRouteComponent(keys, 'AllKeys'),
        }),
        createRoute({
          ...within,
          path: '/agents/$agent/api-permissions/$key',
          validateSearch: keySearch,
          component: lazyRouteComponent(() => import('./pages/keys/key'), 'KeyPage'),
        }),
        createRoute({
          ...within,
          path: '/requests/$requestId',
          component: lazyRouteComponent(() => import('./pages/keys/request'), 'RequestPage'),
        }),
        createRoute({
          ...within,
          path: '/agents',
          validateSearch: (search: Record<string, unknown>): { create?: true } => ({
            create: search.create === true || undefined,
          }),
          component: lazyRouteComponent(agents, 'Agents'),
        }),
        createRoute({
          ...within,
          path: '/agents/$agent/contacts',
          validateSearch: contactsSearch,
          component: lazyRouteComponent(contacts, 'Contacts'),
        }),
        createRoute({
          ...within,
          path: '/agents/$agent/contacts/$contact',
          component: lazyRouteComponent(contacts, 'ContactPage'),
        }),
        createRoute({
          ...within,
          path: '/agents/$agent/contact-imports',
          component: lazyRouteComponent(contacts, 'Imports'),
        }),
        createRoute({
          ...within,
          path: '/agents/$agent/contact-imports/$import',
          component: lazyRouteComponent(contacts, 'ImportReport'),
        }),
        createRoute({
          ...within,
          path: '/agents/$agent/contact-fields',
          component: lazyRouteComponent(fields, 'ContactFields'),
        }),
        createRoute({
          ...within,
          path: '/agents/$agent/webhooks',
          component: lazyRouteComponent(webhooks, 'Webhooks'),
        }),
        createRoute({
          ...within,
          path: '/agents/$agent/webhooks/$webhook',
          validateSearch: (search: Record<string, unknown>) => ({
            status: (['PENDING', 'DELIVERED', 'DEAD'] as const).find(status => status === search.status),
          }),
          component: lazyRouteComponent(webhooks, 'WebhookPage'),
        }),
        createRoute({
          ...within,
          path: '/agents/$agent/documents',
          validateSearch: documentsSearch,
          component: lazyRouteComponent(documents, 'Documents'),
        }),
        createRoute({
          ...within,
          path: '/agents/$agent/documents/$document',
          component: lazyRouteComponent(documents, 'DocumentPage'),
        }),
        createRoute({
          ...within,
          path: '/document-templates',
          component: lazyRouteComponent(templates, 'Templates'),
        }),
        createRoute({
          ...within,
          path: '/document-templates/$template',
          validateSearch: (search: Record<string, unknown>) => ({
            version: Number.isInteger(search.version) ? (search.version as number) : undefined,
          }),
          component: lazyRouteComponent(templates, 'TemplatePage'),
        }),
        createRoute({ ...within, path: '/members', component: lazyRouteComponent(members, 'Members') }),
        createRoute({
          ...within,
          path: '/audit',
          validateSearch: (search: Record<string, unknown>) => ({
            actor: text(search.actor),
            resource: text(search.resource),
            period: text(search.period),
          }),
          component: lazyRouteComponent(audit, 'Audit'),
        }),
        createRoute({ ...within, path: '/settings', component: lazyRouteComponent(settings, 'Settings') }),
      ]),
    ]),
    defaultPreload: 'intent',
    defaultErrorComponent: ({ error, reset }) => (
      <main id="main" tabIndex={-1}>
        <h1 className="sr">This page</h1>
        <Failed what="This page" error={error} onRetry={reset} />
      </main>
    ),
    scrollRestoration: false,
  })
}

function NotFound() {
  useTitle('No such page')
  return (
    <main id="main" tabIndex={-1}>
      <h1 className="sr">No such page</h1>
      <Empty
        icon={<SearchX {...ico} />}
        title="There is no such page"
        action={
          <Link to="/" className="btn secondary">
            To the start
          </Link>
        }
      >
        The link may be old, or what it led to was deleted.
      </Empty>
    </main>
  )
}

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof build>
  }
}
