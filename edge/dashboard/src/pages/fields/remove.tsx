import { useMutation, useQueryClient } from '@tanstack/react-query'
import { wording } from '../../api/client'
import { deleteField, fieldsQuery, toConfirm, type Field } from '../../api/fields'
import { ConfirmDialog } from '../../ui/dialog'
import { Notice } from '../../ui/states'
import { Text } from '../../ui/text'
import { useToast } from '../../ui/toast'

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
  const say = useToast()
  const gone = useMutation({
    mutationFn: (confirm: boolean) => deleteField(agentId, field.key, confirm),
    onSuccess: () => {
      say('Contact field removed.')
      onClose()
    },
    onSettled: () => client.invalidateQueries({ queryKey: fieldsQuery(agentId).queryKey }),
  })
  const warning = toConfirm(gone.error)
  return (
    <ConfirmDialog
      onClose={onClose}
      title={
        <>
          Remove the field “<Text>{field.title}</Text>”?
        </>
      }
      action={warning ? 'Remove all the same' : 'Remove field'}
      danger
      pending={gone.isPending}
      onSend={() => gone.mutate(warning !== null)}
    >
      {gone.isError && (
        <Notice kind={warning ? 'warn' : 'bad'} role="alert">
          {warning ?? wording(gone.error)}
        </Notice>
      )}
      <p>
        {isLast
          ? 'It is the only field: without it API keys may write any custom field again.'
          : 'API keys can no longer write new values of it.'}{' '}
        Values that contacts have stay with them, are shown there, and can be removed there.
      </p>
    </ConfirmDialog>
  )
}
