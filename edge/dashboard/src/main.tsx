import '@fontsource-variable/inter/wght.css'
import '@fontsource-variable/jetbrains-mono/wght.css'
import './design/base.css'
import './design/tokens.css'
import './design/components.css'
import './design/pages.css'
import './design/organization.css'
import './design/contacts.css'
import './design/documents.css'
import { createRoot } from 'react-dom/client'
import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { RouterProvider } from '@tanstack/react-router'
import { I18nProvider } from 'react-aria-components'
import { retry, retryDelay } from './api/client'
import { build } from './router'
import { SessionWatch } from './ui/session-watch'
import { Toasts } from './ui/toast'

const client = new QueryClient({
  defaultOptions: {
    queries: { retry, retryDelay, staleTime: 10_000, networkMode: 'always' },
    mutations: { networkMode: 'always' },
  },
})
const router = build(client)

// After a change of the page the focus goes to its content, as it would with a page of its own. The first page keeps
// the browser's order.
router.subscribe('onResolved', ({ fromLocation, pathChanged }) => {
  if (!fromLocation || !pathChanged) return
  scrollTo(0, 0)
  requestAnimationFrame(() => {
    if (!document.activeElement?.closest('[role=dialog], [role=alertdialog]')) document.getElementById('main')?.focus()
  })
})

const element = document.getElementById('root')
if (element) {
  createRoot(element).render(
    <I18nProvider locale="en-US">
      <QueryClientProvider client={client}>
        <Toasts>
          <SessionWatch>
            <RouterProvider router={router} />
          </SessionWatch>
        </Toasts>
      </QueryClientProvider>
    </I18nProvider>,
  )
}
