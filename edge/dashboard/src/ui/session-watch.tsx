import { useEffect, useState, type ReactNode } from 'react'
import { useQueryClient } from '@tanstack/react-query'
import { listen } from '../api/client'
import { sessionQuery, type Session } from '../api/session'
import { SignInForm } from './sign-in-form'
import { Dialog } from './dialog'
import { useToast } from './toast'

/**
 * Hears from the client that the session has ended, or that the member may no longer do something. A sign-in dialog
 * stands over the page, whose forms stay as they are.
 */
export function SessionWatch({ children }: { children: ReactNode }) {
  const client = useQueryClient()
  const say = useToast()
  const [hasEnded, setEnded] = useState(false)
  useEffect(
    () =>
      listen({
        // Before the first sign-in there is no page to stay on: the router goes to the sign-in page.
        signedOut: () => setEnded(client.getQueryData(sessionQuery.queryKey) !== undefined),
        demoted: () => {
          client.invalidateQueries({ queryKey: sessionQuery.queryKey })
          say('You may no longer do that.', { bad: true })
        },
      }),
    [client, say],
  )
  const onSignedIn = (session: Session) => {
    const before = client.getQueryData(sessionQuery.queryKey)
    // Another person sees nothing of the one before, not even of the form.
    if (before && before.member.id !== session.member.id) return location.replace('/')
    client.setQueryData(sessionQuery.queryKey, session)
    setEnded(false)
    client.invalidateQueries()
  }
  return (
    <>
      {children}
      <Dialog
        open={hasEnded}
        onClose={() => location.replace('/sign-in')}
        size="narrow"
        title="Your session has ended"
        subtitle="Sign in again to go on. What you have typed stays."
        closeLabel="Go to the sign-in page"
      >
        <SignInForm onSignedIn={onSignedIn} />
      </Dialog>
    </>
  )
}
