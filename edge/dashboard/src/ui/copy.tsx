import { useId, useState, type ReactNode } from 'react'
import { Check, Copy as CopyIcon } from 'lucide-react'
import { Button, IconButton } from './button'
import { Segmented } from './choice'
import { icoS } from './icons'
import { useToast } from './toast'

/** How long a button says that it has copied, in milliseconds. */
const SAYS = 1600

/** What is said when neither way of copying works. */
export const COPY_BLOCKED = 'Copying is blocked here. Select the text and press Ctrl C.'

/** Copies by the Clipboard API, else by selecting the text (plain http, old browsers). True only when it worked. */
export async function copy(text: string): Promise<boolean> {
  try {
    if (window.isSecureContext && navigator.clipboard) {
      await navigator.clipboard.writeText(text)
      return true
    }
  } catch {
    // Refused by the browser: the older way may still work.
  }
  const area = document.createElement('textarea')
  area.value = text
  area.readOnly = true
  area.className = 'sr'
  // Within the dialog, or its focus trap would take the focus back before the text is copied.
  const focused = document.activeElement as HTMLElement | null
  const host = focused?.closest('[role=dialog], [role=alertdialog]') ?? document.body
  host.append(area)
  area.select()
  try {
    return document.execCommand('copy')
  } catch {
    return false
  } finally {
    area.value = ''
    area.remove()
    focused?.focus()
  }
}

export function CopyButton({
  text,
  label,
  toast,
  children,
}: {
  text: string
  label: string
  toast?: string
  children?: ReactNode
}) {
  const say = useToast()
  const [isCopied, setCopied] = useState(false)
  const go = async () => {
    if (!(await copy(text))) return say(COPY_BLOCKED, { bad: true })
    setCopied(true)
    setTimeout(() => setCopied(false), SAYS)
    if (toast) say(toast)
  }
  const mark = isCopied ? <Check {...icoS} /> : <CopyIcon {...icoS} />
  if (!children) {
    return (
      <IconButton label={label} onPress={go}>
        {mark}
      </IconButton>
    )
  }
  return (
    <Button size="small" onPress={go} aria-label={label}>
      {mark}
      {isCopied ? 'Copied' : children}
    </Button>
  )
}

/** A text to be copied. In `<code>` and not in an input, so that password managers and autofill leave it alone. */
export function CopyField({
  label,
  value,
  help,
  copyLabel,
  toast,
}: {
  label: string
  value: string
  help?: ReactNode
  copyLabel: string
  toast?: string
}) {
  const id = useId()
  return (
    <div className="field">
      <span className="name" id={id}>
        {label}
      </span>
      <div className="secret" role="group" aria-labelledby={id}>
        <code>{value}</code>
        <CopyButton text={value} label={copyLabel} toast={toast}>
          Copy
        </CopyButton>
      </div>
      {help && <div className="help">{help}</div>}
    </div>
  )
}

/** Samples to be copied, one at a time. */
export function Code({ tabs, copyLabel }: { tabs: { id: string; name: string; text: string }[]; copyLabel: string }) {
  const [shown, setShown] = useState(tabs[0].id)
  const tab = tabs.find(tab => tab.id === shown) ?? tabs[0]
  return (
    <div className="code">
      <header>
        <Segmented
          small
          label="Format"
          value={tab.id}
          onChange={setShown}
          items={tabs.map(tab => [tab.id, tab.name])}
        />
        <CopyButton text={tab.text} label={copyLabel} />
      </header>
      <pre tabIndex={0} role="region" aria-label={tab.name}>
        {tab.text}
      </pre>
    </div>
  )
}
