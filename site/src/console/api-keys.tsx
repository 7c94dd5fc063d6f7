import { useSignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import type { AccountState } from './account-state.ts'
import { ApiKeyRow } from './api-key-row.tsx'
import type { ConsoleFacts } from './console-facts.ts'
import { CreateKey } from './create-key.tsx'
import { NewKeyDialog } from './new-key-dialog.tsx'
import type { Account, ApiKey } from './operations.ts'
import { RevokeKeyDialog } from './revoke-key-dialog.tsx'

interface Props {
  readonly account: Account
  readonly state: AccountState
  readonly facts: ConsoleFacts
}

/** The account's keys. A new key's secret is in memory here while its dialog is open, and nowhere else. */
export function ApiKeys({ account: { apiKeys }, state, facts }: Props) {
  const secret = useSignal<string>()
  const revoking = useSignal<ApiKey>()
  const revoked = useSignal<ApiKey>()
  const heading = useRef<HTMLHeadingElement>(null)

  // The button that opened the dialog is gone; by now the closing dialog has given the focus back.
  useEffect(() => {
    if (revoked.value) heading.current?.focus()
  }, [revoked.value])

  return (
    <section class="section" aria-labelledby="api-keys">
      <h2 id="api-keys" tabIndex={-1} ref={heading}>
        API keys
      </h2>
      <CreateKey state={state} onCreated={(created) => (secret.value = created)} />
      <p class="news" role="status">
        {revoked.value && `“${revoked.value.name}” is revoked.`}
      </p>
      {apiKeys.length === 0 ? (
        <p class="soft">
          You have no key yet. Programs call the API with one; make a first one above, with a name
          that says where it will be used.
        </p>
      ) : (
        <KeyTable apiKeys={apiKeys} onRevoke={(apiKey) => (revoking.value = apiKey)} />
      )}
      {secret.value !== undefined && (
        <NewKeyDialog
          secret={secret.value}
          facts={facts}
          onClose={() => (secret.value = undefined)}
        />
      )}
      {revoking.value && (
        <RevokeKeyDialog
          apiKey={revoking.value}
          state={state}
          onRevoked={(apiKey) => (revoked.value = apiKey)}
          onClose={() => (revoking.value = undefined)}
        />
      )}
    </section>
  )
}

interface TableProps {
  readonly apiKeys: readonly ApiKey[]
  readonly onRevoke: (apiKey: ApiKey) => void
}

/** The roles are said outright: laid out as cards, the elements alone would lose them. */
function KeyTable({ apiKeys, onRevoke }: TableProps) {
  return (
    <div class="table-box">
      <table class="carded" role="table" aria-labelledby="api-keys">
        <thead role="rowgroup">
          <tr role="row">
            {['Name', 'Key', 'Created', 'Last used', 'State'].map((title) => (
              <th key={title} role="columnheader" scope="col">
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody role="rowgroup">
          {apiKeys.map((apiKey) => (
            <ApiKeyRow key={apiKey.id} apiKey={apiKey} onRevoke={() => onRevoke(apiKey)} />
          ))}
        </tbody>
      </table>
    </div>
  )
}
