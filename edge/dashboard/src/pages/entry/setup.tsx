import { useState } from 'react'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useRouter } from '@tanstack/react-router'
import { setUp } from '../../api/account'
import { faults, Refused } from '../../api/client'
import { sessionQuery } from '../../api/session'
import { createAgent } from '../../api/agents'
import { Button } from '../../ui/button'
import { TextField } from '../../ui/field'
import { length } from '../../ui/format'
import { FormError } from '../../ui/states'
import { DeadLink, Entry, Form, Password, PASSWORD_MIN } from './frame'
import { takeFragment } from './fragment'

type Draft = { organization: string; name: string; email: string; password: string; agent: string }

function problems(draft: Draft): Partial<Draft> {
  const found: Partial<Draft> = {}
  if (!draft.organization.trim()) found.organization = 'Give the organization a name.'
  if (!draft.name.trim()) found.name = 'Say who you are.'
  if (!/^\S+@\S+$/.test(draft.email.trim())) found.email = 'Enter an email address.'
  if (length(draft.password) < PASSWORD_MIN) found.password = `At least ${PASSWORD_MIN} characters.`
  if (!draft.agent.trim()) found.agent = 'Give the agent a name.'
  return found
}

export function Setup() {
  const [token] = useState(takeFragment)
  const router = useRouter()
  const client = useQueryClient()
  const [draft, setDraft] = useState<Draft>({ organization: '', name: '', email: '', password: '', agent: 'Support' })
  const [tried, setTried] = useState(false)
  const make = useMutation({
    mutationFn: async () => {
      const { organization, name, email, password } = draft
      const session = await setUp({
        token,
        organization: organization.trim(),
        name: name.trim(),
        email: email.trim(),
        password,
      })
      client.setQueryData(sessionQuery.queryKey, session)
      // The organization is there, whatever becomes of its first agent: Agents makes another.
      const agent = await createAgent(draft.agent.trim(), 'LIVE').catch(() => null)
      return agent ? `/agents/${agent.id}/api-permissions` : '/agents'
    },
    gcTime: 0,
    onSuccess: page => router.history.replace(page),
  })
  if (!token || isDead(make.error)) {
    return (
      <DeadLink text="A setup link works once and for one hour. Make a new one on the server:">
        <div className="secret">
          <code>keyward setup-link</code>
        </div>
      </DeadLink>
    )
  }
  const found = { ...(tried ? problems(draft) : {}), ...faults(make.error) }
  const field = (name: keyof Draft) => ({
    value: draft[name],
    onChange: (value: string) => setDraft({ ...draft, [name]: value }),
    error: found[name],
  })
  const send = () => {
    setTried(true)
    const first = Object.keys(problems(draft))[0]
    if (first) document.querySelector<HTMLElement>(`[name=${first}]`)?.focus()
    else if (!make.isPending) make.mutate()
  }
  return (
    <Entry wide title="Set up Keyward" text="You become the owner, who manages keys, agents and members.">
      <Form onSend={send}>
        <FormError error={make.error} />
        <TextField
          large
          label="Organization"
          {...field('organization')}
          placeholder="Fjord Supply Co."
          autoFocus
          isRequired
          inputProps={{ name: 'organization', autoComplete: 'organization' }}
        />
        <div className="two">
          <TextField
            large
            label="Your name"
            {...field('name')}
            isRequired
            inputProps={{ name: 'name', autoComplete: 'name' }}
          />
          <TextField
            large
            label="Email"
            type="email"
            {...field('email')}
            isRequired
            inputProps={{ name: 'email', autoComplete: 'username', spellCheck: false, autoCapitalize: 'none' }}
          />
        </div>
        <Password fresh label="Password" {...field('password')} />
        <TextField
          large
          label="First agent"
          {...field('agent')}
          isRequired
          help="An agent is what API keys act on. It holds contacts and documents."
          inputProps={{ name: 'agent', autoComplete: 'off' }}
        />
        <Button kind="primary" size="large" wide type="submit" pending={make.isPending}>
          Create organization
        </Button>
      </Form>
    </Entry>
  )
}

/** What the server answers to a token that is used, old, or made up. */
export function isDead(error: unknown): boolean {
  if (!(error instanceof Refused)) return false
  return error.code === 'invalid_credentials' || error.details.some(detail => detail.field === 'token')
}
