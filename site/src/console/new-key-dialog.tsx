import { useEffect } from 'preact/hooks'
import type { ConsoleFacts } from './console-facts.ts'
import { CopyButton } from './copy-button.tsx'
import { Modal } from './modal.tsx'
import { Sample } from './sample.tsx'

interface Props {
  readonly secret: string
  readonly facts: ConsoleFacts
  readonly onClose: () => void
}

/** Shows a secret, the only time there is. */
export function NewKeyDialog({ secret, facts, onClose }: Props) {
  useEffect(() => {
    // A page left may be kept whole for the back button; the secret must not be in it.
    addEventListener('pagehide', onClose)
    return () => removeEventListener('pagehide', onClose)
  }, [])

  return (
    <Modal title="Your new key" onClose={onClose}>
      <p>
        This is the only time you see it: copy it now, into a secret manager or an environment
        variable on your server. If you lose it, revoke it and create another.
      </p>
      <p class="secret">
        <code>{secret}</code>
        <CopyButton label="Copy key" text={secret} />
      </p>
      <p>Try it in a terminal. The command has the key in it, so don’t share it.</p>
      <Sample facts={facts} secret={secret} />
      <form method="dialog" class="dialog-actions">
        <button class="button" type="submit">
          I have saved it
        </button>
      </form>
    </Modal>
  )
}
