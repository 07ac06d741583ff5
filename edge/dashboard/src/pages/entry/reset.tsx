import { useState } from 'react'
import { useMutation, useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { resetPassword, signInMethodsQuery } from '../../api/account'
import { faults } from '../../api/client'
import { Button } from '../../ui/button'
import { length } from '../../ui/format'
import { Refusal } from '../../ui/states'
import { DeadLink, Entry, Form, Password, PASSWORD_MIN } from './frame'
import { takeFragment } from './fragment'
import { isDead } from './setup'

export function Reset() {
  const [token] = useState(takeFragment)
  const byMail = useQuery(signInMethodsQuery).data?.passwordReset
  const [password, setPassword] = useState('')
  const [tried, setTried] = useState(false)
  const reset = useMutation({ mutationFn: () => resetPassword(token, password), gcTime: 0 })
  if (reset.isSuccess) {
    return (
      <Entry title="Password changed" text="Every other session has ended. Sign in with your new password.">
        <Link className="btn primary large wide" to="/sign-in">
          Sign in
        </Link>
      </Entry>
    )
  }
  if (!token || isDead(reset.error)) {
    return (
      <DeadLink
        text={
          byMail
            ? 'A reset link works once and for one hour.'
            : 'A reset link works once and for one hour. Ask an owner or admin for a new one.'
        }
      >
        {byMail && (
          <Link className="btn primary large wide" to="/forgot">
            Get a new link
          </Link>
        )}
      </DeadLink>
    )
  }
  const isShort = length(password) < PASSWORD_MIN
  const fault = tried && isShort ? `At least ${PASSWORD_MIN} characters.` : faults(reset.error).password
  const send = () => {
    setTried(true)
    if (!isShort && !reset.isPending) reset.mutate()
  }
  return (
    <Entry title="Choose a new password" text="Every session of yours ends with it.">
      <Form onSend={send}>
        <Refusal error={fault ? null : reset.error} />
        <Password fresh label="New password" value={password} onChange={setPassword} error={fault} autoFocus />
        <Button kind="primary" size="large" wide type="submit" pending={reset.isPending}>
          Change password
        </Button>
      </Form>
    </Entry>
  )
}
