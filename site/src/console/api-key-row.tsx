import { Day, Moment } from './moment.tsx'
import type { ApiKey } from './operations.ts'

interface Props {
  readonly apiKey: ApiKey
  readonly onRevoke: () => void
}

export function ApiKeyRow({ apiKey, onRevoke }: Props) {
  const { id, name, hint, createdAt, lastUsedAt, revokedAt } = apiKey
  const nameId = `name-${id}`
  return (
    <tr role="row" class={revokedAt ? 'over' : undefined}>
      <th role="rowheader" scope="row" id={nameId}>
        {name}
      </th>
      <td role="cell" class="id">
        <code>{hint}</code>
      </td>
      <td role="cell" data-title="Created ">
        <Day at={createdAt} />
      </td>
      <td role="cell" data-title="Last used ">
        {lastUsedAt ? <Moment at={lastUsedAt} /> : 'never'}
      </td>
      <td role="cell" class="state">
        {revokedAt ? (
          <span>
            Revoked <Day at={revokedAt} />
          </span>
        ) : (
          <>
            In use{' '}
            <button
              class="button quiet compact"
              type="button"
              aria-describedby={nameId}
              onClick={onRevoke}
            >
              Revoke
            </button>
          </>
        )}
      </td>
    </tr>
  )
}
