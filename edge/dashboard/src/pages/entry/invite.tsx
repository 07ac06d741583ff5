import { useState } from 'react'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useRouter } from '@tanstack/react-router'
import { acceptInvitation } from '../../api/account'
import { faults } from '../../api/client'
import { sessionQuery } from '../../api/session'
import { Button } from '../../ui/button'
import { TextField } from '../../ui/field'
import { length } from '../../ui/format'
import { FormError } from '../../ui/states'
import { DeadLink, Entry, Form, Password, PASSWORD_MIN } from './frame'
import { takeFragment } from './fragment'
import { START } from './next'
import { isDead } from './setup'

export function Invite() {
  const [token] = useState(takeFragment)
  const router = useRouter()
  const client = useQueryClient()
  const [name, setName] = useState('')
  const [password, setPassword] = useState('')
  const [tried, setTried] = useState(false)
  const join = useMutation({
    mutationFn: () => acceptInvitation(token, name.trim(), password),
    gcTime: 0,
    onSuccess: session => {
      client.clear()
      client.setQueryData(sessionQuery.queryKey, session)
      router.history.replace(START)
    },
  })
  if (!token || isDead(join.error)) {
    return (
      <DeadLink text="An invitation works once and for seven days, unless it was withdrawn. Ask an owner or admin for a new one." />
    )
  }
  const refused = faults(join.error)
  const noName = tried && !name.trim() ? 'Say who you are.' : refused.name
  const tooShort = tried && length(password) < PASSWORD_MIN ? `At least ${PASSWORD_MIN} characters.` : refused.password
  const send = () => {
    setTried(true)
    if (!name.trim() || length(password) < PASSWORD_MIN) {
      document.querySelector<HTMLElement>(name.trim() ? '[type=password]' : '[name=name]')?.focus()
    } else if (!join.isPending) join.mutate()
  }
  return (
    <Entry title="Join on Keyward" text="You are invited. Say who you are, and choose a password.">
      <Form onSend={send}>
        <FormError error={join.error} />
        <TextField
          large
          label="Your name"
          value={name}
          onChange={setName}
          error={noName}
          autoFocus
          isRequired
          inputProps={{ name: 'name', autoComplete: 'name' }}
        />
        <Password fresh label="Password" value={password} onChange={setPassword} error={tooShort} />
        <Button kind="primary" size="large" wide type="submit" pending={join.isPending}>
          Join
        </Button>
      </Form>
    </Entry>
  )
}
