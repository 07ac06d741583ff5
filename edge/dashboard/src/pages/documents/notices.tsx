import type { DocumentNotice } from '../../api/documents'
import { Notice } from '../../ui/states'
import { noticeLines } from './noticed'

export function Notices({ of }: { of: DocumentNotice[] }) {
  const lines = noticeLines(of)
  if (lines.length === 0) return null
  return (
    <div className="stack tight">
      {lines.map(line => (
        <Notice key={line.kind} kind={line.warns ? 'warn' : undefined}>
          {line.text}
        </Notice>
      ))}
    </div>
  )
}
