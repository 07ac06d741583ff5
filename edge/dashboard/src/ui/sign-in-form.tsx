import { useRef, useState } from 'react'
import { useMutation } from '@tanstack/react-query'
import * as A from 'react-aria-components'
import { Refused, wording } from '../api/client'
import { signIn, type Session } from '../api/session'
import { Button } from './button'
import { TextField } from './field'
import { Notice } from './states'

/** Email and password. The password is emptied after every try, and stays in no cache. */
export function SignInForm({ onSignedIn }: { onSignedIn: (session: Session) => void }) {
  const [email, setEmail] = useState('')
  const [password, setPassword] = useState('')
  const [isShown, setShown] = useState(false)
  const box = useRef<HTMLInputElement>(null)
  const enter = useMutation({
    mutationFn: () => signIn(email, password),
    gcTime: 0,
    onSuccess: onSignedIn,
    onError: () => box.current?.focus(),
    onSettled: () => setPassword(''),
  })
  return (
    <form
      className="entry-form"
      onSubmit={event => {
        event.preventDefault()
        if (!enter.isPending) enter.mutate()
      }}
    >
      {enter.isError && (
        <Notice kind="bad" role="alert">
          {words(enter.error)}
        </Notice>
      )}
      <TextField
        large
        label="Email"
        type="email"
        value={email}
        onChange={setEmail}
        autoFocus
        isRequired
        inputProps={{ autoComplete: 'username', spellCheck: false }}
      />
      <TextField
        large
        label="Password"
        type={isShown ? 'text' : 'password'}
        value={password}
        onChange={setPassword}
        isRequired
        inputRef={box}
        inputProps={{ autoComplete: 'current-password', spellCheck: false }}
        aside={
          <A.ToggleButton
            isSelected={isShown}
            onChange={setShown}
            className="link quiet small"
            aria-label="Show the password"
          >
            {isShown ? 'Hide' : 'Show'}
          </A.ToggleButton>
        }
      />
      <Button kind="primary" size="large" wide type="submit" pending={enter.isPending}>
        Sign in
      </Button>
    </form>
  )
}

function words(error: unknown): string {
  if (!(error instanceof Refused)) return wording(error)
  if (error.code === 'invalid_credentials' || error.code === 'invalid_argument') {
    return 'That email and password do not match. Check both and try again.'
  }
  if (error.status === 429) return `Too many tries. Wait ${error.retryAfter ?? 60} seconds.`
  return wording(error)
}
