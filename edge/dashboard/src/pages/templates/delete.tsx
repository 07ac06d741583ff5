import { useMutation, useQueryClient } from '@tanstack/react-query'
import { deleteTemplate, templateDeleted, type OwnTemplate } from '../../api/templates'
import { ConfirmDialog } from '../../ui/dialog'
import { Text } from '../../ui/text'
import { useToast } from '../../ui/toast'

export function DeleteTemplate({
  template,
  onClose,
  onGone,
}: {
  template: OwnTemplate
  onClose: () => void
  onGone?: () => Promise<void>
}) {
  const client = useQueryClient()
  const say = useToast()
  const gone = useMutation({
    mutationFn: () => deleteTemplate(template.name),
    onSuccess: async () => {
      say('Template deleted.')
      onClose()
      // Nobody asks for it again: its page is left first.
      await onGone?.()
      void templateDeleted(client, template.name)
    },
  })
  return (
    <ConfirmDialog
      onClose={onClose}
      title={
        <>
          Delete “<Text>{template.title}</Text>”?
        </>
      }
      action="Delete template"
      danger
      pending={gone.isPending}
      onSend={() => gone.mutate()}
      error={gone.error}
    >
      <p>
        All its versions are deleted, and requests that name it are refused. Documents that were read with it stay as
        they are.
      </p>
    </ConfirmDialog>
  )
}
