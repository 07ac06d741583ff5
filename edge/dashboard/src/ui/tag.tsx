import type { ReactNode } from 'react'

export function Tag({ kind = 'plain', mini, children }: { kind?: string; mini?: boolean; children: ReactNode }) {
  return <span className={`tag ${kind}${mini ? ' mini' : ''}`}>{children}</span>
}
export function Status({ kind, children }: { kind: 'good' | 'warn' | 'bad' | 'off'; children: ReactNode }) {
  return (
    <span className={'status ' + kind}>
      <i />
      {children}
    </span>
  )
}

export function Avatar({ name, big }: { name: string; big?: boolean }) {
  return (
    <span className={'avatar' + (big ? ' big' : '')} aria-hidden>
      {name
        .split(' ')
        .map(w => w[0])
        .slice(0, 2)
        .join('')
        .toUpperCase()}
    </span>
  )
}
