// The house style: every token and component in every state, as the pages use them. Served in development only
// (npm run dev, then /design), so that nobody downloads it.
import '../design/house-style.css'
import { useState, type ReactNode } from 'react'
import * as A from 'react-aria-components'
import { Ellipsis, KeyRound, Pencil, Plus, RotateCw, Trash2 } from 'lucide-react'
import { Refused } from '../api/client'
import { Button, Hint, IconButton } from '../ui/button'
import { UsageChart } from '../ui/chart'
import { Checkbox, RadioCards, Segmented, Switch } from '../ui/choice'
import { Code, CopyField } from '../ui/copy'
import { ConfirmDialog, FormDialog } from '../ui/dialog'
import { Search, TextField } from '../ui/field'
import { exact, HOUR, now, shortDate } from '../ui/format'
import { ico } from '../ui/icons'
import { Item, Menu } from '../ui/menu'
import { Meter } from '../ui/meter'
import { useTitle } from '../ui/page'
import { Select } from '../ui/select'
import { Spark } from '../ui/spark'
import { Bones, Empty, Failed, Notice } from '../ui/states'
import { Avatar, Status, Tag } from '../ui/tag'
import { setTheme, theme, type Theme } from '../ui/theme'
import { useToast } from '../ui/toast'
import { Words } from '../ui/words'

const COLOURS = [
  'canvas surface raised sunken hover press',
  'line line-strong line-field text text-2 text-3',
  'accent accent-solid accent-soft ink on-ink bad-solid',
  'good good-soft good-line good-mark',
  'warn warn-soft warn-line warn-mark',
  'bad bad-soft bad-line violet violet-soft violet-line',
  'chart-ok chart-limited chart-refused chart-quiet chart-grid',
].flatMap(line => line.split(' '))

/** What React Aria says of a control by attributes, so that a state can be shown without being in it. */
const STATES: [string, Record<string, true>][] = [
  ['Hover', { 'data-hovered': true }],
  ['Pressed', { 'data-pressed': true }],
  ['Focus', { 'data-focus-visible': true }],
]

const FAULT = new Refused(503, 'unavailable', 'The server cannot be reached.', '4b1e7f90c2a8d635', [], 12)

export function Design() {
  useTitle('House style')
  const [shown, setShown] = useState<Theme>(theme)
  return (
    <main className="house" id="main" tabIndex={-1}>
      <header>
        <div>
          <h1>House style</h1>
          <p className="muted">Every token and component, in every state.</p>
        </div>
        <Segmented
          label="Theme"
          value={shown}
          onChange={to => {
            setTheme(to as Theme)
            setShown(to as Theme)
          }}
          items={[
            ['system', 'As the system'],
            ['light', 'Light'],
            ['dark', 'Dark'],
          ]}
        />
      </header>
      <Part name="Colour">
        {COLOURS.map(name => (
          <div key={name} className="swatch">
            <i style={{ background: `var(--${name})` }} />
            <span className="small muted">{name}</span>
          </div>
        ))}
      </Part>
      <Part name="Type">
        <div className="stack wide">
          <div className="figure">Figure 24/30</div>
          <div role="presentation">
            <h3>Title 15/22 of a card or a dialog</h3>
          </div>
          <div>Body 13/20. The quick brown fox 0123456789</div>
          <div className="strong">Label 13/20, medium</div>
          <div className="small muted">Small 12/18, for help, column heads and times</div>
          <div className="micro faint">Micro 11/16, for axes and small tags</div>
          <code>Mono 12 kw_live_0O1Il5S8B</code>
        </div>
      </Part>
      <Part name="Button">
        <Button kind="primary">
          <Plus {...ico} />
          Primary
        </Button>
        <Button>Secondary</Button>
        <Button kind="ghost">Ghost</Button>
        <Button kind="danger">Danger</Button>
        <Button kind="primary" isDisabled>
          Disabled
        </Button>
        <Button kind="primary" pending>
          Pending
        </Button>
        <Button size="small">Small</Button>
        <Button size="large">Large</Button>
        <IconButton label="Edit">
          <Pencil {...ico} />
        </IconButton>
        {(['primary', 'secondary', 'ghost', 'danger'] as const).map(kind => (
          <div key={kind} className="row wide">
            {STATES.map(([name, state]) => (
              <button key={name} type="button" className={`btn ${kind}`} {...state}>
                {name}
              </button>
            ))}
          </div>
        ))}
        <A.Button className="link">A link that acts</A.Button>
        <Hint tip="What it means">Text with a hint</Hint>
      </Part>
      <Part name="Tags and status">
        <Tag kind="contacts">Contacts</Tag>
        <Tag kind="documents">Documents</Tag>
        <Tag kind="other">Orders</Tag>
        <Tag kind="none">No access</Tag>
        <Tag kind="good">Live</Tag>
        <Tag kind="warn">Test</Tag>
        <Tag kind="bad" mini>
          ip_not_allowed
        </Tag>
        <Tag kind="" mini>
          wholesale
        </Tag>
        <Status kind="good">Active</Status>
        <Status kind="warn">Expires in 9 days</Status>
        <Status kind="bad">Expired</Status>
        <Status kind="off">Disabled</Status>
        <Avatar name="Ada Lindqvist" />
      </Part>
      <Fields />
      <Choices />
      <Part name="Menu, dialog, toast">
        <Over />
      </Part>
      <Part name="Notice">
        <div className="stack wide">
          <Notice>A fact.</Notice>
          <Notice kind="good">It worked, and stays so.</Notice>
          <Notice kind="warn" actions={<Button size="small">Change expiry</Button>}>
            Something to know before going on.
          </Notice>
          <Notice kind="bad">Something failed, or will break.</Notice>
        </div>
      </Part>
      <Part name="Copied">
        <div className="wide">
          <CopyField
            label="API Key"
            value="kw_live_3xC4gYtHq2mWc0eKxP4tRzVb91Ls"
            copyLabel="Copy API Key"
            help="Not secret."
          />
        </div>
        <div className="wide">
          <Code
            copyLabel="Copy the example"
            tabs={[
              { id: 'curl', name: 'curl', text: 'curl "https://api.example.com/v1/open/health"' },
              { id: 'env', name: '.env', text: 'KEYWARD_URL=https://api.example.com' },
            ]}
          />
        </div>
      </Part>
      <Charts />
      <Part name="Loading">
        <div className="card wide">
          <table className="tbl">
            <caption className="sr">A list that is loading</caption>
            <tbody>
              <Bones rows={3} widths={[60, 70, 50, 40]} />
            </tbody>
          </table>
        </div>
      </Part>
      <Part name="Empty, failed">
        <div className="card wide">
          <Empty icon={<KeyRound {...ico} />} title="No API keys yet." action={<Button>Add API Key</Button>}>
            What this page is for, in one sentence.
          </Empty>
        </div>
        <div className="card wide">
          <Failed what="API keys" error={FAULT} onRetry={() => {}} />
        </div>
      </Part>
    </main>
  )
}

function Part({ name, children }: { name: string; children: ReactNode }) {
  return (
    <section className="section" aria-label={name}>
      <h2>{name}</h2>
      <div className="parts">{children}</div>
    </section>
  )
}

function Fields() {
  const [status, setStatus] = useState('ANY')
  const [query, setQuery] = useState('')
  const [tags, setTags] = useState({ value: ['newsletter', 'fair, 2026'], pending: '' })
  return (
    <Part name="Field">
      <TextField label="Name" defaultValue="Production sync" count={[15, 100]} />
      <TextField label="Too long" defaultValue="Production sync" count={[101, 100]} />
      <TextField label="Placeholder" placeholder="Production sync" help="Help stands below." />
      <TextField label="Wrong" error="Give the key a name." />
      <TextField label="Disabled" defaultValue="ada@example.com" isDisabled />
      <TextField label="Description" optional lines={2} defaultValue="Two lines of what it is for." />
      <div className="wide">
        <Words
          label="Tags"
          one="tag"
          value={tags.value}
          pending={tags.pending}
          onChange={(value, pending) => setTags({ value, pending })}
          most={50}
          longest={50}
        />
      </div>
      <div className="boxed">
        <Select
          label="Status"
          value={status}
          onChange={setStatus}
          items={[
            { id: 'ANY', name: 'All statuses' },
            { id: 'ACTIVE', name: 'Active' },
          ]}
        />
      </div>
      <Select label="Disabled choice" value="a" isDisabled items={[{ id: 'a', name: 'Disabled' }]} />
      <Search label="Search" placeholder="Search" value={query} onChange={setQuery} kbd="/" />
    </Part>
  )
}

function Choices() {
  const [actions, setActions] = useState(['create'])
  const [range, setRange] = useState('24h')
  const [end, setEnd] = useState('hour')
  return (
    <Part name="Choice">
      <A.CheckboxGroup aria-label="Actions" value={actions} onChange={setActions} className="stack">
        <Checkbox value="create" title="Create" note="Add new records" />
        <Checkbox value="read" title="Read" note="Retrieve existing records" />
      </A.CheckboxGroup>
      <Checkbox isIndeterminate title="Some" />
      <Checkbox isDisabled title="Disabled" />
      <Segmented
        label="Range"
        value={range}
        onChange={setRange}
        items={[
          ['1h', '1 h'],
          ['24h', '24 h'],
          ['7d', '7 d'],
        ]}
      />
      <Switch defaultSelected>On</Switch>
      <Switch>Off</Switch>
      <div className="boxed">
        <RadioCards
          label="The old secret stops working"
          value={end}
          onChange={setEnd}
          items={[
            ['hour', 'In 1 hour', 'For one app'],
            ['now', 'Now', 'For a leaked secret'],
          ]}
        />
      </div>
    </Part>
  )
}

function Over() {
  const say = useToast()
  const [open, setOpen] = useState<'form' | 'question' | null>(null)
  const close = () => setOpen(null)
  return (
    <>
      <Menu
        label="Actions"
        trigger={
          <Button kind="ghost" icon aria-label="Actions">
            <Ellipsis {...ico} />
          </Button>
        }
      >
        <Item icon={<RotateCw {...ico} />}>Rotate</Item>
        <A.Separator />
        <Item danger icon={<Trash2 {...ico} />}>
          Delete
        </Item>
      </Menu>
      <Button onPress={() => setOpen('form')}>A dialog</Button>
      <Button onPress={() => setOpen('question')}>A question</Button>
      <Button onPress={() => say('API key updated successfully.')}>A toast</Button>
      <Button onPress={() => say('That did not work.', { bad: true, action: { name: 'Undo', run: () => {} } })}>
        A bad toast
      </Button>
      {open === 'form' && (
        <FormDialog title="Rename the agent" size="narrow" action="Save" onClose={close} onSend={close}>
          <TextField label="Name" defaultValue="Support" autoFocus />
        </FormDialog>
      )}
      {open === 'question' && (
        <ConfirmDialog title="Delete “Production sync”?" action="Delete API key" danger onClose={close} onSend={close}>
          <p>The API key is permanently deleted.</p>
        </ConfirmDialog>
      )}
    </>
  )
}

function Charts() {
  const first = now() - 24 * HOUR
  const buckets = Array.from({ length: 24 }, (_, hour) => ({
    start: new Date(first + hour * HOUR).toISOString(),
    allowed: (hour * 37) % 90,
    limited: hour % 7 === 3 ? 12 : 0,
    refused: hour % 5 === 2 ? 9 : 0,
  }))
  return (
    <Part name="Charts">
      <div className="wide">
        <UsageChart buckets={buckets} short={shortDate} long={exact} />
      </div>
      <Spark values={[3, 4, 8, 12, 20, 18, 9, 4, 2, 0, 0, 6]} refused={[0, 0, 0, 3, 6]} label="The last hours" />
      {[40, 6, 0].map(value => (
        <div key={value} className="boxed">
          <Meter value={value} max={60} label={`${value} of 60 remaining`} />
        </div>
      ))}
      <span className="pulse" />
    </Part>
  )
}
