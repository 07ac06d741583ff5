import { useState } from 'react'
import type { NewWebhook } from '../../api/webhooks'
import { Button } from '../../ui/button'
import { Code, CopyField } from '../../ui/copy'
import { Dialog } from '../../ui/dialog'
import { visible } from '../../ui/format'
import { useSecretGuard } from '../../ui/secret'
import { Notice } from '../../ui/states'

const PYTHON = `from standardwebhooks import Webhook  # pip install standardwebhooks

def receive(body: bytes, headers: dict) -> dict:
    """Raises WebhookVerificationError for what is not ours."""
    return Webhook(os.environ["KEYWARD_WEBHOOK_SECRET"]).verify(body, headers)`

const NODE = `import { Webhook } from 'standardwebhooks' // npm install standardwebhooks

// Throws for what is not ours. The body as it came, not parsed.
const receive = (body, headers) => new Webhook(process.env.KEYWARD_WEBHOOK_SECRET).verify(body, headers)`

/** Shows the secret that messages are signed with, this once. */
export function SecretShown({ made, title, onDone }: { made: NewWebhook; title: string; onDone: () => void }) {
  // The one object that holds the secret: it is emptied when the secret is put away.
  const [holder] = useState(made)
  const guard = useSecretGuard(holder, onDone, {
    title: 'Is the secret stored?',
    text: 'It is not shown again. If it gets lost, rotate it to get a new one.',
  })
  return (
    <>
      <Dialog
        open
        size="wide"
        onClose={guard.ask}
        title={title}
        subtitle={visible(made.webhook.url)}
        foot={
          <Button kind="primary" onPress={guard.ask}>
            Done
          </Button>
        }
      >
        <CopyField
          label="Signing secret"
          value={holder.secret}
          copyLabel="Copy the signing secret"
          toast="Signing secret copied to clipboard"
          help="Messages are signed with it by the scheme of Standard Webhooks. The receiver checks that with a library."
        />
        <Notice kind="warn">The secret is shown only now. Treat it like a password.</Notice>
        <Code
          copyLabel="Copy the sample"
          tabs={[
            { id: 'python', name: 'Python', text: PYTHON },
            { id: 'node', name: 'Node.js', text: NODE },
          ]}
        />
      </Dialog>
      {guard.dialog}
    </>
  )
}
