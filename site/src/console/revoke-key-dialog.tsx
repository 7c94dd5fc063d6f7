import { useSignal } from '@preact/signals'
import { messageOf, type AccountState } from './account-state.ts'
import { Modal } from './modal.tsx'
import type { ApiKey } from './operations.ts'

interface Props {
  readonly apiKey: ApiKey
  readonly state: AccountState
  readonly onRevoked: (apiKey: ApiKey) => void
  readonly onClose: () => void
}

export function RevokeKeyDialog({ apiKey, state, onRevoked, onClose }: Props) {
  const failure = useSignal('')
  const busy = useSignal(false)

  async function revoke(): Promise<void> {
    if (busy.value) return
    busy.value = true
    failure.value = ''
    try {
      await state.revokeKey(apiKey.id)
      onClose()
      onRevoked(apiKey)
    } catch (error) {
      failure.value = messageOf(error)
      busy.value = false
    }
  }

  return (
    <Modal title="Revoke this key?" onClose={onClose}>
      <p>
        <strong>{apiKey.name}</strong> (<code>{apiKey.hint}</code>) stops working at once, for good.
        Whatever still uses it is answered with status 401. Answers that are being written now are
        finished and charged.
      </p>
      <p class="failure" role="alert">
        {failure}
      </p>
      <form method="dialog" class="dialog-actions">
        <button class="button quiet" type="submit">
          Keep it
        </button>
        <button class="button" type="button" aria-disabled={busy} onClick={() => void revoke()}>
          Revoke key
        </button>
      </form>
    </Modal>
  )
}
