import { useEffect, useState, type ReactNode } from 'react'
import { Link, useLocation, useNavigate } from '@tanstack/react-router'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import * as A from 'react-aria-components'
import {
  Bot,
  Check,
  ChevronRight,
  ChevronsUpDown,
  CircleUser,
  ContactRound,
  FileText,
  LayoutTemplate,
  ListPlus,
  LogOut,
  Menu as MenuIcon,
  Monitor,
  Moon,
  Plus,
  ScrollText,
  Settings,
  Sun,
  Users,
  Waypoints,
  X,
} from 'lucide-react'
import { useAgents, type Agent } from '../api/agents'
import { sessionQuery, signOut, useCanWrite, useSession, type Role } from '../api/session'
import { wording } from '../api/client'
import { Button } from './button'
import { ico, icoS } from './icons'
import { keepLastAgent, lastOf } from './last-agent'
import { Item, Menu } from './menu'
import { Failed } from './states'
import { Avatar, Tag } from './tag'
import { Text } from './text'
import { setTheme } from './theme'
import { useToast } from './toast'

export const Mark = ({ size = 20 }: { size?: number }) => (
  <svg width={size} height={size} viewBox="0 0 20 20" aria-hidden="true">
    <rect width="20" height="20" rx="5" fill="var(--ink)" />
    <path d="M6 5h2.2v10H6zM8.2 10l4-5h2.7l-4 5 4 5h-2.7z" fill="var(--on-ink)" />
  </svg>
)

export const roleName = (role: Role) => ({ OWNER: 'Owner', ADMIN: 'Admin', USER: 'User' })[role]

export const ModeTag = ({ mode }: { mode: Agent['mode'] }) => (
  <Tag kind={mode === 'TEST' ? 'warn' : 'good'} mini>
    {mode === 'TEST' ? 'Test' : 'Live'}
  </Tag>
)

function NavLink({
  to,
  icon,
  children,
  sub,
  exact,
  onGo,
}: {
  to: string
  icon?: ReactNode
  children: ReactNode
  sub?: boolean
  exact?: boolean
  onGo?: () => void
}) {
  const path = useLocation({ select: location => location.pathname })
  const isOn = path === to || (!exact && path.startsWith(to + '/'))
  const look = ['nav-link', sub && 'sub', isOn && 'on'].filter(Boolean).join(' ')
  return (
    <Link to={to} onClick={onGo} className={look} aria-current={isOn ? 'page' : undefined}>
      {icon}
      {children}
    </Link>
  )
}

function Group({ icon, name, children }: { icon: ReactNode; name: string; children: ReactNode }) {
  return (
    <A.Disclosure defaultExpanded>
      <A.Button slot="trigger" className="nav-head">
        {icon}
        {name}
        <ChevronRight {...icoS} className="chev" />
      </A.Button>
      <A.DisclosurePanel className="nav-sub">{children}</A.DisclosurePanel>
    </A.Disclosure>
  )
}

/** The agent that the sidebar is about: that of the page, else the one that was looked at last. */
function useCurrentAgent(agents: Agent[]): Agent | undefined {
  const path = useLocation({ select: location => location.pathname })
  const named = agents.find(agent => path.startsWith(`/agents/${agent.id}/`))
  const id = named?.id
  useEffect(() => {
    if (id !== undefined) keepLastAgent(id)
  }, [id])
  return named ?? lastOf(agents)
}

function AgentNav({ onGo }: { onGo?: () => void }) {
  const agents = useAgents()
  const agent = useCurrentAgent(agents)
  const canWrite = useCanWrite()
  const go = useNavigate()
  if (!agent) return null
  const home = `/agents/${agent.id}`
  const open = (id: string) => {
    go({ to: '/agents/$agent/api-permissions', params: { agent: id } })
    onGo?.()
  }
  return (
    <div className="nav-group">
      <h2>Agent</h2>
      <Menu
        label="Agents"
        placement="bottom start"
        trigger={
          <A.Button className="agent-switch">
            <span className="sr">Agent: </span>
            <span className="grow clip strong">
              <Text>{agent.name}</Text>
            </span>
            <ModeTag mode={agent.mode} />
            <ChevronsUpDown {...icoS} />
          </A.Button>
        }
      >
        {agents.map(other => (
          <Item
            key={other.id}
            text={other.name}
            onAction={() => open(other.id)}
            end={other.id === agent.id ? <Check {...icoS} /> : other.mode === 'TEST' && <ModeTag mode="TEST" />}
          >
            <Text>{other.name}</Text>
          </Item>
        ))}
        {canWrite && <A.Separator />}
        {canWrite && (
          <Item
            icon={<Plus {...ico} />}
            onAction={() => {
              go({ to: '/agents', search: { create: true } })
              onGo?.()
            }}
          >
            Create an agent
          </Item>
        )}
      </Menu>
      <NavLink to={home + '/contacts'} icon={<ContactRound {...ico} />} onGo={onGo}>
        Contacts
      </NavLink>
      <NavLink to={home + '/contact-fields'} icon={<ListPlus {...ico} />} onGo={onGo}>
        Contact fields
      </NavLink>
      <NavLink to={home + '/documents'} icon={<FileText {...ico} />} onGo={onGo}>
        Documents
      </NavLink>
      <Group icon={<Waypoints {...ico} />} name="Channels & API">
        <NavLink to={home + '/api-permissions'} sub onGo={onGo}>
          API Permissions
        </NavLink>
        <NavLink to={home + '/webhooks'} sub onGo={onGo}>
          Webhooks
        </NavLink>
      </Group>
    </div>
  )
}

function AccountMenu({ onGo }: { onGo?: () => void }) {
  const { member } = useSession()
  const client = useQueryClient()
  const go = useNavigate()
  const say = useToast()
  const name = member.name || member.email
  const leave = () => signOut(client).catch(error => say(wording(error), { bad: true }))
  return (
    <div className="nav-foot">
      <Menu
        label="Your account"
        placement="top start"
        trigger={
          <A.Button className="me">
            <span className="sr">Account: </span>
            <Avatar name={name} />
            <span className="grow clip">
              <Text>{name}</Text>
            </span>
            <span className="small faint">{roleName(member.role)}</span>
          </A.Button>
        }
      >
        <Item
          icon={<CircleUser {...ico} />}
          onAction={() => {
            go({ to: '/settings' })
            onGo?.()
          }}
        >
          Your account
        </Item>
        <A.Separator />
        <Item icon={<Sun {...ico} />} onAction={() => setTheme('light')}>
          Light
        </Item>
        <Item icon={<Moon {...ico} />} onAction={() => setTheme('dark')}>
          Dark
        </Item>
        <Item icon={<Monitor {...ico} />} onAction={() => setTheme('system')}>
          As the system
        </Item>
        <A.Separator />
        <Item icon={<LogOut {...ico} />} onAction={leave}>
          Sign out
        </Item>
      </Menu>
    </div>
  )
}

function Nav({ onGo }: { onGo?: () => void }) {
  const { organization } = useSession()
  return (
    <>
      <div className="nav-top">
        <Mark />
        <span className="clip strong">
          <Text>{organization.name}</Text>
        </span>
      </div>
      <nav aria-label="Main" className="nav-body">
        <AgentNav onGo={onGo} />
        <div className="nav-group">
          <h2>Organization</h2>
          <NavLink to="/agents" exact icon={<Bot {...ico} />} onGo={onGo}>
            Agents
          </NavLink>
          <NavLink to="/document-templates" icon={<LayoutTemplate {...ico} />} onGo={onGo}>
            Document templates
          </NavLink>
          <NavLink to="/members" icon={<Users {...ico} />} onGo={onGo}>
            Members
          </NavLink>
          <NavLink to="/audit" icon={<ScrollText {...ico} />} onGo={onGo}>
            Audit log
          </NavLink>
          <Group icon={<Settings {...ico} />} name="Settings">
            <NavLink to="/settings" exact sub onGo={onGo}>
              Your account
            </NavLink>
            <NavLink to="/settings/api-permissions" sub onGo={onGo}>
              API Permissions
            </NavLink>
          </Group>
        </div>
      </nav>
      <AccountMenu onGo={onGo} />
    </>
  )
}

/** Everything around the pages of a member who is signed in. Shows nothing of them before the session is known. */
export function Shell({ children }: { children: ReactNode }) {
  const session = useQuery(sessionQuery)
  const [isMenuOpen, setMenuOpen] = useState(false)
  if (session.isError && !session.data) {
    return (
      <main id="main" tabIndex={-1}>
        <Failed what="Keyward" error={session.error} onRetry={() => session.refetch()} />
      </main>
    )
  }
  if (!session.data) return null
  return (
    <div className="app">
      <a
        className="skip"
        href="#main"
        onClick={event => {
          event.preventDefault()
          document.getElementById('main')?.focus()
        }}
      >
        Skip to the content
      </a>
      <aside className="side">
        <Nav />
      </aside>
      <A.ModalOverlay className="sheet-veil" isOpen={isMenuOpen} onOpenChange={setMenuOpen} isDismissable>
        <A.Modal className="sheet">
          <A.Dialog aria-label="Menu">
            <Button
              kind="ghost"
              size="small"
              icon
              aria-label="Close the menu"
              className="sheet-close"
              onPress={() => setMenuOpen(false)}
            >
              <X {...ico} />
            </Button>
            <Nav onGo={() => setMenuOpen(false)} />
          </A.Dialog>
        </A.Modal>
      </A.ModalOverlay>
      <div className="body">
        <header className="mobile-bar">
          <Button kind="ghost" icon aria-label="Open the menu" onPress={() => setMenuOpen(true)}>
            <MenuIcon {...ico} />
          </Button>
          <Mark />
          <span className="strong">Keyward</span>
        </header>
        {children}
      </div>
    </div>
  )
}
