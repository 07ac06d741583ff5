import { useMutation, useQueryClient } from '@tanstack/react-query'
import { wording } from '../../api/client'
import {
  archiveContact,
  contactDeleted,
  contactsChanged,
  deleteContact,
  unarchiveContact,
  type Contact,
} from '../../api/contacts'
import { DeleteDialog } from '../../ui/delete'
import { regainFocus } from '../../ui/focus'
import { useToast } from '../../ui/toast'
import { calledContact } from './names'

/** Archives a contact or takes that back, at once; the toast undoes it. */
export function useArchive(agentId: string) {
  const client = useQueryClient()
  const say = useToast()
  const turn = useMutation({
    mutationFn: ({ id, status }: Contact) =>
      status === 'ACTIVE' ? archiveContact(agentId, id) : unarchiveContact(agentId, id),
    onSuccess: changed =>
      say(changed.status === 'ARCHIVED' ? 'Contact archived.' : 'Contact active again.', {
        action: { name: 'Undo', run: () => turn.mutate(changed) },
      }),
    onError: error => say(wording(error), { bad: true }),
    // A list by status has it no longer.
    onSettled: () => contactsChanged(client, agentId).then(() => regainFocus()),
  })
  return turn
}

export function DeleteContact({
  agentId,
  contact,
  onClose,
  onGone,
}: {
  agentId: string
  contact: Contact
  onClose: () => void
  onGone?: () => Promise<void>
}) {
  const client = useQueryClient()
  return (
    <DeleteDialog
      name={calledContact(contact)}
      action="Delete contact"
      toast="Contact deleted."
      remove={() => deleteContact(agentId, contact.id)}
      refresh={() => contactDeleted(client, agentId, contact.id)}
      onClose={onClose}
      onGone={onGone}
    >
      <p>The contact and its files are permanently deleted.</p>
      {contact.status === 'ACTIVE' && (
        <p className="muted">To keep it and have it out of the way, archive it instead.</p>
      )}
    </DeleteDialog>
  )
}
