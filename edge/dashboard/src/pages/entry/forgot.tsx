import { useState } from 'react'
import { useMutation, useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { requestPasswordReset, signInMethodsQuery } from '../../api/account'
import { faults } from '../../api/client'
import { Button } from '../../ui/button'
import { TextField } from '../../ui/field'
import { Notice, Refusal } from '../../ui/states'
import { Entry, Form } from './frame'

/** Asks for a link by mail. What it says is the same whether or not somebody has the address. */
export function Forgot() {
  const methods = useQuery(signInMethodsQuery).data
  const [email, setEmail] = useState('')
  const [tried, setTried] = useState(false)
  const ask = useMutation({ mutationFn: () => requestPasswordReset(email.trim()), gcTime: 0 })
  const back = (
    <Link className="btn ghost large wide" to="/sign-in">
      Back to sign in
    </Link>
  )
  if (methods && !methods.passwordReset) {
    return (
      <Entry title="Forgot your password?" text="No mail is set up here. Ask an owner or admin for a link.">
        {back}
      </Entry>
    )
  }
  if (ask.isSuccess) {
    return (
      <Entry
        title="Look into your mail"
        text="If somebody here has that address, a link to choose a new password is on its way. It works once, for one hour."
      >
        <Notice role="status">Nothing came? Look into the junk folder, and ask again after five minutes.</Notice>
        {back}
      </Entry>
    )
  }
  const isMail = /^\S+@\S+$/.test(email.trim())
  const fault = tried && !isMail ? 'Enter an email address.' : faults(ask.error).email
  const send = () => {
    setTried(true)
    if (!isMail) document.querySelector<HTMLElement>('[name=email]')?.focus()
    else if (!ask.isPending) ask.mutate()
  }
  return (
    <Entry title="Forgot your password?" text="You get a mail with a link to choose a new one.">
      <Form onSend={send}>
        <Refusal error={fault ? null : ask.error} />
        <TextField
          large
          label="Email"
          type="email"
          value={email}
          onChange={setEmail}
          error={fault}
          autoFocus
          isRequired
          inputProps={{ name: 'email', autoComplete: 'username', spellCheck: false, autoCapitalize: 'none' }}
        />
        <Button kind="primary" size="large" wide type="submit" pending={ask.isPending}>
          Send a link
        </Button>
        {back}
      </Form>
    </Entry>
  )
}
