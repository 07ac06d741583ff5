import { useState } from 'react'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { changePassword, sessionsQuery, signInMethodsQuery } from '../../api/account'
import { faults } from '../../api/client'
import { sessionQuery } from '../../api/session'
import { Button } from '../../ui/button'
import { length } from '../../ui/format'
import { FormError } from '../../ui/states'
import { useToast } from '../../ui/toast'
import { Password, PASSWORD_MIN } from '../entry/frame'

export function Passwords() {
  const client = useQueryClient()
  const say = useToast()
  const hasPasswords = useQuery(signInMethodsQuery).data?.password ?? true
  const [current, setCurrent] = useState('')
  const [fresh, setFresh] = useState('')
  const [tried, setTried] = useState(false)
  const change = useMutation({
    mutationFn: () => changePassword(current, fresh),
    gcTime: 0,
    onSuccess: session => {
      client.setQueryData(sessionQuery.queryKey, session)
      void client.invalidateQueries({ queryKey: sessionsQuery.queryKey })
      setTried(false)
      say('Password changed. Your other sessions have ended.')
    },
    onSettled: () => {
      setCurrent('')
      setFresh('')
    },
  })
  if (!hasPasswords) return null
  const refused = faults(change.error)
  const isWrong = refused.current !== undefined
  const isShort = length(fresh) < PASSWORD_MIN
  const noCurrent = isWrong ? 'That is not your password.' : tried && !current ? 'Enter your password.' : undefined
  const tooShort = tried && isShort && !change.isError ? `At least ${PASSWORD_MIN} characters.` : refused.new
  const send = () => {
    if (change.isPending) return
    change.reset()
    setTried(true)
    if (current && !isShort) change.mutate()
  }
  return (
    <section className="section" aria-labelledby="password">
      <div>
        <h2 id="password">Password</h2>
        <p>At least 12 characters. Length counts more than symbols. Other sessions end.</p>
      </div>
      <form
        className="stack"
        noValidate
        onSubmit={event => {
          event.preventDefault()
          send()
        }}
      >
        <FormError error={change.error} />
        <div className="two">
          <Password large={false} label="Current password" value={current} onChange={setCurrent} error={noCurrent} />
          <Password large={false} fresh label="New password" value={fresh} onChange={setFresh} error={tooShort} />
        </div>
        <div className="row">
          <Button type="submit" pending={change.isPending}>
            Change password
          </Button>
        </div>
      </form>
    </section>
  )
}
