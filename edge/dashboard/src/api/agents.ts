import { queryOptions, useQuery } from '@tanstack/react-query'
import { api, must, page, type Page, type Schemas } from './client'

// The server always has a name.
export type Agent = Omit<Schemas['Agent'], 'name'> & { name: string }

/** The most agents that the sidebar's switch and the selects show. */
const MOST = 1000

async function all(signal: AbortSignal): Promise<Agent[]> {
  const agents: Agent[] = []
  let cursor: string | null = ''
  while (cursor !== null && agents.length < MOST) {
    const answer: Page<Schemas['Agent']> = await page<Schemas['Agent']>(
      api.GET('/v1/console/agents', { params: { query: { limit: 100, cursor: cursor || undefined } }, signal }),
    )
    agents.push(...(answer.items as Agent[]))
    cursor = answer.next
  }
  return agents
}

export const agentsQuery = queryOptions({
  queryKey: ['agents'],
  queryFn: ({ signal }) => all(signal),
  staleTime: 60_000,
})

/** The agents of the organization; empty until they are known. */
export const useAgents = () => useQuery(agentsQuery).data ?? []

export const createAgent = (name: string, mode: 'LIVE' | 'TEST') =>
  must(api.POST('/v1/console/agents', { body: { name, mode } })) as Promise<Agent>

export const renameAgent = (agentId: string, name: string) =>
  must(api.PATCH('/v1/console/agents/{agentId}', { params: { path: { agentId } }, body: { name } })) as Promise<Agent>

export const deleteAgent = (agentId: string) =>
  must(api.DELETE('/v1/console/agents/{agentId}', { params: { path: { agentId } } }))
