import { createContext, useCallback, useContext, useRef, useState, type ReactNode } from 'react'
import { Button as AriaButton } from 'react-aria-components'
import { CircleAlert, CircleCheck } from 'lucide-react'
import { ico } from './icons'

/** How long a toast stays, in milliseconds; longer where it has something to press. */
const STAYS = 6_000
const STAYS_WITH_ACTION = 12_000
/** The most that are shown at once. */
const AT_ONCE = 3

type Options = { bad?: boolean; action?: { name: string; run: () => void } }
type Toast = Options & { id: number; text: string }

const Say = createContext<(text: string, options?: Options) => void>(() => {})

/** Shows a line for some seconds, and tells it to screen readers. */
export const useToast = () => useContext(Say)

/** One polite live region for all toasts. */
export function Toasts({ children }: { children: ReactNode }) {
  const [toasts, setToasts] = useState<Toast[]>([])
  const last = useRef(0)
  const drop = (id: number) => setToasts(shown => shown.filter(toast => toast.id !== id))
  const say = useCallback((text: string, options: Options = {}) => {
    const id = ++last.current
    setToasts(shown => [...shown.slice(1 - AT_ONCE), { ...options, id, text }])
    setTimeout(() => drop(id), options.action ? STAYS_WITH_ACTION : STAYS)
  }, [])
  // In the top layer, and never hidden from assistive technology while a dialog is open.
  return (
    <Say.Provider value={say}>
      {children}
      <div className="toasts" role="status" aria-live="polite" data-react-aria-top-layer="true">
        {toasts.map(toast => (
          <div key={toast.id} className={'toast' + (toast.bad ? ' bad' : '')}>
            {toast.bad ? <CircleAlert {...ico} /> : <CircleCheck {...ico} />}
            {toast.text}
            {toast.action && (
              <AriaButton
                className="toast-action"
                onPress={() => {
                  drop(toast.id)
                  toast.action!.run()
                }}
              >
                {toast.action.name}
              </AriaButton>
            )}
          </div>
        ))}
      </div>
    </Say.Provider>
  )
}
