import type { ReactNode } from 'react'
import * as A from 'react-aria-components'
import { Bot, Check, ChevronRight, CircleAlert, CircleX } from 'lucide-react'
import type { Agent } from '../../api/agents'
import { useSession, type Scope } from '../../api/session'
import { Button } from '../../ui/button'
import { Checkbox, Segmented } from '../../ui/choice'
import { TextField } from '../../ui/field'
import { date, length, num } from '../../ui/format'
import { ico, icoS } from '../../ui/icons'
import { parse } from '../../ui/ip'
import { actionNote, actionTitle, scopeNote } from '../../ui/scopes'
import { Select } from '../../ui/select'
import { ModeTag } from '../../ui/shell'
import { Notice } from '../../ui/states'
import { Text } from '../../ui/text'
import { DEFAULTS, lastDay, limits, today, type Draft, type Errors, type Expiry } from './draft'

export type Set = (part: Partial<Draft>) => void

/** Who the key acts for, its name, its description, and from where it may be used. */
export function Basics({
  draft,
  set,
  errors,
  agent,
  agents,
  onAgent,
}: {
  draft: Draft
  set: Set
  errors: Errors
  agent: Agent
  /** Those to choose from, where the agent is not fixed. */
  agents?: Agent[]
  onAgent?: (id: string) => void
}) {
  return (
    <>
      {agents && onAgent ? (
        <Select
          label="Agent"
          value={agent.id}
          onChange={onAgent}
          items={agents.map(({ id, name, mode }) => ({
            id,
            text: name,
            name: (
              <span className="row">
                <Text>{name}</Text>
                {mode === 'TEST' && <ModeTag mode={mode} />}
              </span>
            ),
          }))}
        />
      ) : (
        <div className="field">
          <span className="name">Agent</span>
          <div className="fixed">
            <Bot {...ico} className="faint" />
            <Text clip>{agent.name}</Text>
            <ModeTag mode={agent.mode} />
            <span className="faint small aside nowrap">A key acts on one agent</span>
          </div>
        </div>
      )}
      <TextField
        label="Name"
        value={draft.name}
        onChange={name => set({ name })}
        error={errors.name}
        count={[length(draft.name), 100]}
        placeholder="Production sync"
        autoFocus={!agents}
        isRequired
        inputProps={{ autoComplete: 'off', 'data-1p-ignore': true }}
      />
      <TextField
        label="Description"
        optional
        lines={3}
        value={draft.description}
        onChange={description => set({ description })}
        error={errors.description}
        count={[length(draft.description), 500]}
        placeholder="What uses this key, and who looks after it"
      />
      <Addresses draft={draft} set={set} error={errors.allowedIps} />
    </>
  )
}

function Addresses({ draft, set, error }: { draft: Draft; set: Set; error?: string }) {
  const { clientAddress } = useSession()
  const list = parse(draft.addresses)
  const meant = list.find(ip => ip.fix)
  const write = (elements: string[]) => set({ addresses: elements.join(', ') })
  return (
    <div className="field">
      <TextField
        label="IP Address"
        optional
        value={draft.addresses}
        onChange={addresses => set({ addresses })}
        error={error ?? list.find(ip => ip.error && !isUnfinished(draft.addresses, ip.text))?.error}
        placeholder="192.168.1.1, 10.0.0.1"
        inputProps={{ spellCheck: false, autoComplete: 'off', className: 'mono' }}
        aside={
          clientAddress && (
            <A.Button
              className="link small"
              onPress={() => write([...new window.Set([...list.map(ip => ip.value ?? ip.text), clientAddress])])}
            >
              Use my address
            </A.Button>
          )
        }
        help={
          list.length
            ? undefined
            : 'Comma-separated addresses or CIDR ranges that may use the key. Leave empty to allow any.'
        }
      />
      {list.length > 0 && (
        <div className="chips" aria-hidden>
          {list.map((ip, at) => (
            <span key={at} className={'chip' + (ip.error ? ' bad' : '')}>
              {ip.error ? <CircleX size={12} strokeWidth={2} /> : <Check size={12} strokeWidth={2.25} />}
              {ip.value ?? ip.text}
            </span>
          ))}
        </div>
      )}
      {meant && (
        <div>
          <Button
            size="small"
            onPress={() => write(list.map(ip => (ip === meant ? meant.fix! : (ip.value ?? ip.text))))}
          >
            Use {meant.fix}
          </Button>
        </div>
      )}
    </div>
  )
}

/** The last element is still being typed, until a comma ends it. */
const isUnfinished = (text: string, element: string) => !text.trim().endsWith(',') && text.trim().endsWith(element)

/** Expiry and limits: folded away where a key is made, open where it is edited. */
export function Advanced({ draft, set, errors, open }: { draft: Draft; set: Set; errors: Errors; open?: boolean }) {
  const fields = <AdvancedFields draft={draft} set={set} errors={errors} />
  if (open) return fields
  const { perMinute, perHour } = limits(draft)
  const hasError = Boolean(errors['rateLimits.perMinute'] || errors['rateLimits.perHour'] || errors.expiresAt)
  return (
    // With a key of its own it opens again when an error within it is found.
    <A.Disclosure key={String(hasError)} className="disclosure" defaultExpanded={hasError}>
      <h3>
        <A.Button slot="trigger" className="disclosure-btn">
          <ChevronRight {...icoS} />
          Advanced
          <span className="faint small">
            {draft.expiry === 'none' ? 'no expiry' : 'expires'}, {num(perMinute)} a minute, {num(perHour)} an hour
          </span>
        </A.Button>
      </h3>
      <A.DisclosurePanel>
        <div className="disclosure-panel">{fields}</div>
      </A.DisclosurePanel>
    </A.Disclosure>
  )
}

function AdvancedFields({ draft, set, errors }: { draft: Draft; set: Set; errors: Errors }) {
  const { maxRateLimits: maxima } = useSession()
  const last = lastDay(draft)
  const limitHelp = (standard: number, most: number) =>
    `Default ${num(Math.min(standard, most))}, at most ${num(most)}.`
  return (
    <>
      <div className="field">
        <span className="name">Expiry</span>
        <div className="row wrap">
          <Segmented
            label="Expiry"
            value={draft.expiry}
            onChange={expiry => set({ expiry: expiry as Expiry })}
            items={[
              ['none', 'None'],
              ['30', '30 days'],
              ['90', '90 days'],
              ['365', '365 days'],
              ['date', 'A date'],
            ]}
          />
          {draft.expiry === 'date' && (
            <input
              type="date"
              className="input day"
              min={today()}
              value={draft.lastDay}
              onChange={event => set({ lastDay: event.target.value })}
              aria-label="Last day"
              aria-invalid={errors.expiresAt ? true : undefined}
              aria-describedby="expiry-help"
            />
          )}
        </div>
        <div id="expiry-help" className={errors.expiresAt ? 'error' : 'help'}>
          {errors.expiresAt ??
            (draft.expiry === 'none'
              ? 'The key works until it is deleted or disabled.'
              : `The key works through ${last ? date(last) : 'the day that you choose'}, UTC.`)}
        </div>
      </div>
      <div className="two">
        <TextField
          label="Requests per minute"
          value={draft.perMinute}
          onChange={perMinute => set({ perMinute })}
          error={errors['rateLimits.perMinute']}
          help={limitHelp(DEFAULTS.perMinute, maxima.perMinute)}
          inputProps={{ inputMode: 'numeric', autoComplete: 'off' }}
        />
        <TextField
          label="Requests per hour"
          value={draft.perHour}
          onChange={perHour => set({ perHour })}
          error={errors['rateLimits.perHour']}
          help={limitHelp(DEFAULTS.perHour, maxima.perHour)}
          inputProps={{ inputMode: 'numeric', autoComplete: 'off' }}
        />
      </div>
    </>
  )
}

/** A card for each scope of the registry. */
export function Permissions({
  permissions,
  set,
  error,
}: {
  permissions: string[]
  set: (permissions: string[]) => void
  error?: string
}) {
  const { scopes } = useSession()
  return (
    <div className="stack" data-error={error ? true : undefined}>
      {scopes.map(scope => (
        <ScopeCard key={scope.scope} scope={scope} permissions={permissions} set={set} />
      ))}
      {error && (
        <Notice kind="bad" icon={<CircleAlert {...ico} />} role="alert">
          {error}
        </Notice>
      )}
    </div>
  )
}

function ScopeCard({
  scope,
  permissions,
  set,
}: {
  scope: Scope
  permissions: string[]
  set: (permissions: string[]) => void
}): ReactNode {
  const id = 'scope-' + scope.scope
  const all = scope.actions.map(action => `${scope.scope}:${action}`)
  const read = `${scope.scope}:read`
  const held = all.filter(permission => permissions.includes(permission))
  const others = permissions.filter(permission => !all.includes(permission))
  const preset = () => {
    if (held.length === 0) return 'none'
    if (held.length === all.length) return 'all'
    return held.length === 1 && held[0] === read ? 'read' : ''
  }
  const presets: [string, string][] = [
    ['none', 'None'],
    ...(all.includes(read) ? [['read', 'Read only'] as [string, string]] : []),
    ['all', 'All'],
  ]
  const choose = (name: string) => set([...others, ...(name === 'all' ? all : name === 'read' ? [read] : [])])
  return (
    <section className="scope" aria-labelledby={id}>
      <div className="scope-head">
        <div>
          <div className="name" id={id}>
            {scope.title}
          </div>
          {scopeNote(scope) && <div className="help">{scopeNote(scope)}</div>}
        </div>
        <Segmented small label={`${scope.title}: preset`} value={preset()} onChange={choose} items={presets} />
      </div>
      <A.CheckboxGroup
        aria-labelledby={id}
        value={held}
        onChange={chosen => set([...others, ...all.filter(permission => chosen.includes(permission))])}
        className="scope-grid"
      >
        {scope.actions.map(action => (
          <Checkbox
            key={action}
            value={`${scope.scope}:${action}`}
            title={actionTitle(action)}
            note={actionNote(action)}
          />
        ))}
      </A.CheckboxGroup>
    </section>
  )
}
