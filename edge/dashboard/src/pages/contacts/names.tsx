import type { Contact, Stage as StageId } from '../../api/contacts'
import { Tag } from '../../ui/tag'

export const STAGES: [StageId, name: string, kind: string][] = [
  ['LEAD', 'Lead', 'plain'],
  ['PROSPECT', 'Prospect', 'documents'],
  ['CUSTOMER', 'Customer', 'good'],
  ['OLD_CUSTOMER', 'Old customer', 'none'],
]

export function Stage({ of }: { of: StageId | null }) {
  if (!of) return <span className="faint">None</span>
  const [, name, kind] = STAGES.find(([id]) => id === of) ?? [of, of, 'plain']
  return <Tag kind={kind}>{name}</Tag>
}

/** What a contact is called: by name, or by what else there is. */
export const calledContact = (contact: Contact): string =>
  contact.name || contact.email || contact.mobileNumber || contact.id
