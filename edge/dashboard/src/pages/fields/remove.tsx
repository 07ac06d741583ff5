import { useState } from 'react'
import { useQueryClient } from '@tanstack/react-query'
import { deleteField, fieldsQuery, toConfirm, type Field } from '../../api/fields'
import { DeleteDialog } from '../../ui/delete'

/** Removes the declaration. Where contacts have values of it, that is said, and asked once more. */
export function RemoveField({
  agentId,
  field,
  isLast,
  onClose,
}: {
  agentId: string
  field: Field
  isLast: boolean
  onClose: () => void
}) {
  const client = useQueryClient()
  const [warning, setWarning] = useState<string | null>(null)
  return (
    <DeleteDialog
      name={field.title}
      ask="Remove the field"
      action={warning ? 'Remove all the same' : 'Remove field'}
      toast="Contact field removed."
      warning={warning}
      remove={() =>
        deleteField(agentId, field.key, warning !== null).catch(error => {
          setWarning(toConfirm(error))
          throw error
        })
      }
      refresh={() => client.invalidateQueries({ queryKey: fieldsQuery(agentId).queryKey })}
      onClose={onClose}
    >
      <p>
        {isLast
          ? 'It is the only field: without it API keys may write any custom field again.'
          : 'API keys can no longer write new values of it.'}{' '}
        Values that contacts have stay with them, are shown there, and can be removed there.
      </p>
    </DeleteDialog>
  )
}
