import { useEffect, useRef, useState, type ReactNode } from 'react'
import { Link, useNavigate } from '@tanstack/react-router'
import { BookOpen, Monitor } from 'lucide-react'
import { useAgents } from '../api/agents'
import { useCanWrite } from '../api/session'
import { Search } from './field'
import { icoS } from './icons'
import { useOnline } from './online'

export type Crumb = { name: ReactNode; to?: string }

/** The title of the window: "Production sync · API Permissions · Keyward". */
export function useTitle(...parts: (string | undefined)[]) {
  const title = [...parts.filter(Boolean), 'Keyward'].join(' · ')
  useEffect(() => {
    document.title = title
  }, [title])
}

/** The bar above a page: where am I, and find a request. */
function Bar({ crumbs }: { crumbs: Crumb[] }) {
  const [id, setId] = useState('')
  const box = useRef<HTMLInputElement>(null)
  const go = useNavigate()
  // The request log is for those who manage keys.
  const canFind = useCanWrite()
  useEffect(() => {
    const onSlash = (event: KeyboardEvent) => {
      const at = event.target as HTMLElement
      if (event.key !== '/' || event.ctrlKey || event.metaKey || event.altKey) return
      if (
        at.closest('input, textarea, [contenteditable], [role=dialog], [role=alertdialog], [role=menu], [role=listbox]')
      )
        return
      event.preventDefault()
      box.current?.focus()
    }
    addEventListener('keydown', onSlash)
    return () => removeEventListener('keydown', onSlash)
  }, [])
  const find = () => {
    const requestId = id.trim()
    if (requestId) go({ to: '/requests/$requestId', params: { requestId } })
  }
  return (
    <header className="bar">
      <nav aria-label="You are here">
        <ol className="crumbs">
          {crumbs.map((crumb, at) => (
            <li key={at}>
              {crumb.to ? (
                <Link to={crumb.to} activeOptions={{ exact: true }}>
                  {crumb.name}
                </Link>
              ) : (
                <span aria-current={at === crumbs.length - 1 ? 'page' : undefined}>{crumb.name}</span>
              )}
            </li>
          ))}
        </ol>
      </nav>
      <div className="row">
        {canFind && (
          <Search
            label="Find a request by its id"
            placeholder="Find a request by its id"
            width={224}
            kbd="/"
            value={id}
            onChange={setId}
            onSubmit={find}
            inputRef={box}
          />
        )}
        <a className="btn ghost small" href="/docs">
          <BookOpen {...icoS} />
          Docs
        </a>
      </div>
    </header>
  )
}

function OfflineLine() {
  if (useOnline()) return null
  return (
    <div className="offline" role="status">
      You are offline. What is shown may be old, and changes cannot be saved.
    </div>
  )
}

/** A page within the shell. `about` are the parts of the window's title. */
export function Page({
  title,
  about,
  subtitle,
  actions,
  children,
  crumbs,
  narrow,
  status,
}: {
  title: ReactNode
  about: (string | undefined)[]
  subtitle?: ReactNode
  actions?: ReactNode
  children: ReactNode
  crumbs: Crumb[]
  narrow?: boolean
  status?: ReactNode
}) {
  useTitle(...about)
  return (
    <>
      <Bar crumbs={crumbs} />
      <OfflineLine />
      <main id="main" tabIndex={-1} className={'page' + (narrow ? ' narrow' : '')}>
        <div className="page-head">
          <div className="grow">
            <div className="row">
              <h1>{title}</h1>
              {status}
            </div>
            {subtitle && <div className="page-sub">{subtitle}</div>}
          </div>
          {actions && <div className="row nowrap">{actions}</div>}
        </div>
        {children}
      </main>
    </>
  )
}

/** The narrowest window, in pixels, in which keys are managed. */
const DESKTOP = '(width < 1024px)'

/** API Permissions is for desktops: on a smaller screen this stands in its place. */
export function DesktopOnly({ children }: { children: ReactNode }) {
  // Not by the width of the page alone: at 200 % zoom a desktop is narrow too, and its user keeps the keys.
  const isSmall = () => matchMedia(DESKTOP).matches && Math.min(outerWidth, screen.width) < 1024
  const [small, setSmall] = useState(isSmall)
  useEffect(() => {
    const query = matchMedia(DESKTOP)
    const look = () => setSmall(isSmall())
    query.addEventListener('change', look)
    return () => query.removeEventListener('change', look)
  }, [])
  return small ? <DesktopOnlyNotice /> : <>{children}</>
}

function DesktopOnlyNotice() {
  const [first] = useAgents()
  useTitle('API Permissions')
  return (
    <main id="main" className="desktop-only" tabIndex={-1}>
      <div className="glyph">
        <Monitor size={20} strokeWidth={1.5} aria-hidden />
      </div>
      <h1>Desktop Only</h1>
      <p>API Permissions is available on desktop only. Open it on a larger screen to create or manage keys.</p>
      <div className="row">
        {first && (
          <Link to="/agents/$agent/contacts" params={{ agent: first.id }} className="btn secondary">
            Contacts
          </Link>
        )}
        <Link to="/audit" className="btn secondary">
          Audit log
        </Link>
      </div>
    </main>
  )
}
