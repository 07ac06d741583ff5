import { useState } from 'react'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { agentsQuery, createAgent, deleteAgent, renameAgent, type Agent } from '../../api/agents'
import { faults } from '../../api/client'
import { KEYS } from '../../api/keys'
import { RadioCards } from '../../ui/choice'
import { DeleteDialog } from '../../ui/delete'
import { FormDialog } from '../../ui/dialog'
import { TextField } from '../../ui/field'
import { length } from '../../ui/format'
import { Notice, Refusal } from '../../ui/states'
import { useToast } from '../../ui/toast'

const NAME_MAX = 100
const MODES: [string, string, string][] = [
  ['LIVE', 'Live', 'Real contacts and documents'],
  ['TEST', 'Test', 'A sandbox. Its keys say kw_test_'],
]

function fault(name: string): string | undefined {
  if (!name.trim()) return 'Give the agent a name.'
  return length(name.trim()) > NAME_MAX ? `A name has at most ${NAME_MAX} characters.` : undefined
}

/** What both forms do: ask for a name, send it, say so, and list the agents again. */
function useNaming(send: (name: string) => Promise<Agent>, toast: string, onClose: () => void, before = '') {
  const client = useQueryClient()
  const say = useToast()
  const [name, setName] = useState(before)
  const [tried, setTried] = useState(false)
  const sent = useMutation({
    mutationFn: () => send(name.trim()),
    onSuccess: () => {
      say(toast)
      onClose()
    },
    onSettled: () => client.invalidateQueries({ queryKey: agentsQuery.queryKey }),
  })
  const error = (tried && fault(name)) || faults(sent.error).name
  return {
    pending: sent.isPending,
    onSend: () => {
      setTried(true)
      if (!fault(name)) sent.mutate()
    },
    refused: error ? null : sent.error,
    field: {
      label: 'Name',
      value: name,
      onChange: setName,
      error,
      count: [length(name.trim()), NAME_MAX] as [number, number],
    },
  }
}

export function CreateAgent({ onClose }: { onClose: () => void }) {
  const [mode, setMode] = useState('LIVE')
  const make = (name: string) => createAgent(name, mode as 'LIVE' | 'TEST')
  const { refused, field, ...sending } = useNaming(make, 'Agent created.', onClose)
  return (
    <FormDialog onClose={onClose} size="narrow" title="Create an agent" action="Create agent" {...sending}>
      <Refusal error={refused} />
      <TextField {...field} placeholder="Support" autoFocus inputProps={{ autoComplete: 'off' }} />
      <RadioCards label="Mode" value={mode} onChange={setMode} columns={2} items={MODES} />
      <Notice>The mode cannot be changed later.</Notice>
    </FormDialog>
  )
}

export function RenameAgent({ agent, onClose }: { agent: Agent; onClose: () => void }) {
  const rename = (name: string) => renameAgent(agent.id, name)
  const { refused, field, ...sending } = useNaming(rename, 'Agent renamed.', onClose, agent.name)
  return (
    <FormDialog onClose={onClose} size="narrow" title="Rename the agent" action="Save" {...sending}>
      <Refusal error={refused} />
      <TextField {...field} autoFocus inputProps={{ autoComplete: 'off' }} />
    </FormDialog>
  )
}

export function DeleteAgent({ agent, onClose }: { agent: Agent; onClose: () => void }) {
  const client = useQueryClient()
  return (
    <DeleteDialog
      name={agent.name}
      mustType
      action="Delete agent"
      toast="Agent deleted."
      remove={() => deleteAgent(agent.id)}
      refresh={() => Promise.all([agentsQuery.queryKey, KEYS].map(queryKey => client.invalidateQueries({ queryKey })))}
      onClose={onClose}
    >
      <p>The agent and all its API keys are permanently deleted. Any applications using these keys will lose access.</p>
    </DeleteDialog>
  )
}
