import type { Agent } from '../api/agents'

/**
 * The agent that was looked at last, for pages that are about none: that of this tab, which a reload keeps, else that of
 * the browser, which a new tab begins with. A browser may forbid to keep anything: then there is none.
 */
const NAME = 'keyward-agent'

function kept(): string | undefined {
  try {
    return sessionStorage.getItem(NAME) ?? localStorage.getItem(NAME) ?? undefined
  } catch {
    return undefined
  }
}

/** That agent, while it is there; else the first. */
export function lastOf(agents: Agent[]): Agent | undefined {
  const id = kept()
  return agents.find(agent => agent.id === id) ?? agents[0]
}

export function keepLastAgent(id: string) {
  try {
    sessionStorage.setItem(NAME, id)
    localStorage.setItem(NAME, id)
  } catch {
    // Then the next page begins with the first agent.
  }
}
