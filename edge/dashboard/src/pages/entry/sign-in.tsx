import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Link, useRouter, useSearch } from '@tanstack/react-router'
import { LockKeyhole } from 'lucide-react'
import { signInMethodsQuery, type SignInMethods } from '../../api/account'
import { sessionQuery } from '../../api/session'
import { ico } from '../../ui/icons'
import { SignInForm } from '../../ui/sign-in-form'
import { Notice } from '../../ui/states'
import { Entry } from './frame'
import { next } from './next'

export function SignIn() {
  const search = useSearch({ strict: false }) as { next?: string; error?: string }
  const router = useRouter()
  const client = useQueryClient()
  const methods = useQuery(signInMethodsQuery).data
  const to = next(search.next)
  return (
    <Entry title="Sign in to Keyward">
      {search.error && (
        <Notice kind="bad" role="alert">
          {failure(search.error)}
        </Notice>
      )}
      <SignInForm
        onSignedIn={session => {
          // Nothing of whoever was here before.
          client.clear()
          client.setQueryData(sessionQuery.queryKey, session)
          router.history.replace(to)
        }}
      />
      {!!methods?.oidc.length && <SingleSignOn providers={methods.oidc} next={to} />}
      <p className="small muted entry-note">
        {methods?.passwordReset ? (
          <Link className="link" to="/forgot">
            Forgot your password?
          </Link>
        ) : (
          'No password, or forgot it? Ask an owner or admin for a link.'
        )}
      </p>
    </Entry>
  )
}

/** Why a provider has signed nobody in: the code in the address that it ends at. */
const FAILURES = {
  sign_in_expired: 'That took too long, or began in another browser. Try again.',
  provider_denied: 'The provider did not sign you in.',
  provider_unavailable: 'The provider cannot be reached. Try again later, or sign in with a password.',
  provider_invalid: 'What the provider said could not be trusted. Ask an admin to look into the log.',
  email_unverified: 'The provider does not say that your email address is yours. Verify it there first.',
  not_a_member: 'Nobody here has your email address. Ask an owner or admin for an invitation.',
  other_identity: 'Your email address belongs to another account of this provider. Ask an owner or admin.',
}

function failure(code: string): string {
  return (FAILURES as Record<string, string | undefined>)[code] ?? 'You were not signed in. Try again.'
}

/** Links, not forms: the page's policy lets no form lead to another site. */
function SingleSignOn({ providers, next }: { providers: SignInMethods['oidc']; next: string }) {
  return (
    <div className="entry-form sso">
      <div className="or">or</div>
      {providers.map(({ id, title }) => (
        <a
          key={id}
          className="btn secondary large wide"
          href={`/v1/console/oidc/${encodeURIComponent(id)}/start?next=${encodeURIComponent(next)}`}
        >
          <LockKeyhole {...ico} />
          Continue with {title || 'single sign-on'}
        </a>
      ))}
    </div>
  )
}
