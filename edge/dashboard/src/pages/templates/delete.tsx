import { useQueryClient } from '@tanstack/react-query'
import { deleteTemplate, templateDeleted, type OwnTemplate } from '../../api/templates'
import { DeleteDialog } from '../../ui/delete'

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
  return (
    <DeleteDialog
      name={template.title}
      action="Delete template"
      toast="Template deleted."
      remove={() => deleteTemplate(template.name)}
      onClose={onClose}
      onGone={async () => {
        // Nobody asks for it again: its page is left first.
        await onGone?.()
        await templateDeleted(client, template.name)
      }}
    >
      <p>
        All its versions are deleted, and requests that name it are refused. Documents that were read with it stay as
        they are.
      </p>
    </DeleteDialog>
  )
}
