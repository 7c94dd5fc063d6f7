import { useSignal } from '@preact/signals'
import { messageOf, type AccountState } from './account-state.ts'
import { ApiError } from './api.ts'

/** As the API has it. */
const MAX_NAME_LENGTH = 60

interface Props {
  readonly state: AccountState
  readonly onCreated: (secret: string) => void
}

export function CreateKey({ state, onCreated }: Props) {
  const name = useSignal('')
  const failure = useSignal('')
  const busy = useSignal(false)

  async function create(event: Event): Promise<void> {
    event.preventDefault()
    if (busy.value) return
    busy.value = true
    failure.value = ''
    try {
      const secret = await state.createKey(name.value)
      name.value = ''
      onCreated(secret)
    } catch (error) {
      failure.value = explain(error)
    } finally {
      busy.value = false
    }
  }

  return (
    <form class="create-key" onSubmit={(event) => void create(event)}>
      <label for="key-name">Key name</label>
      <input
        id="key-name"
        type="text"
        required
        maxLength={MAX_NAME_LENGTH}
        pattern=".*\S.*"
        title="A name, not only spaces"
        autocomplete="off"
        spellcheck={false}
        placeholder="production server"
        aria-describedby="key-failure"
        aria-invalid={failure.value !== ''}
        value={name}
        onInput={(event) => (name.value = event.currentTarget.value)}
      />
      <button class="button" type="submit" aria-disabled={busy}>
        Create key
      </button>
      <p id="key-failure" class="failure" role="alert">
        {failure}
      </p>
    </form>
  )
}

function explain(error: unknown): string {
  const message = messageOf(error)
  const unsure = error instanceof ApiError && error.code === 'UNREACHABLE'
  return unsure
    ? `${message} Should a key of this name be listed below later, revoke it: its secret was lost on the way.`
    : message
}
