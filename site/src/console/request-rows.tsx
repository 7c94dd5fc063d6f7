import { useSignal } from '@preact/signals'
import { ChargeDetails } from './charge-details.tsx'
import { tokenClasses } from './explain-charge.ts'
import { count, dollars, words } from './format.ts'
import { Moment } from './moment.tsx'
import type { RequestRow } from './operations.ts'
import type { PublishedPrices } from './published-prices.ts'

interface Props {
  readonly request: RequestRow
  readonly prices: PublishedPrices
}

/** A request's row and, once asked for, the row below it that says why it cost what it did. */
export function RequestRows({ request, prices }: Props) {
  const open = useSignal(false)
  const detailsId = `why-${request.id}`
  const classes = tokenClasses(request)
  return (
    <>
      <tr role="row" class={open.value ? 'opened' : undefined}>
        <th role="rowheader" scope="row" class="time">
          <Moment at={request.openedAt} />
          <code class="below">{request.requestId}</code>
        </th>
        <td role="cell" class="model">
          <a href={`/models/${request.model}`}>{request.model}</a>{' '}
          {request.sandbox && <span class="tag">sandbox</span>}
          {request.modelAsked !== request.model && (
            <span class="below">asked as {request.modelAsked}</span>
          )}
        </td>
        <td role="cell" class="result">
          <span class={request.status >= 400 ? 'status failed' : 'status'}>{request.status}</span>{' '}
          {words(request.outcome)}
          {request.errorCode && <span class="below">{request.errorCode}</span>}
        </td>
        <td role="cell" class="tokens">
          {classes.length === 0
            ? 'none'
            : classes.map(({ name, tokens }) => (
                <span key={name} class="class">
                  {count(tokens)} <span class="soft">{name}</span>
                </span>
              ))}
        </td>
        <td role="cell" class="cost">
          {dollars(request.charge)}{' '}
          <button
            class="link"
            type="button"
            aria-expanded={open.value}
            aria-controls={open.value ? detailsId : undefined}
            aria-label={`Why ${dollars(request.charge)}?`}
            onClick={() => (open.value = !open.value)}
          >
            Why?
          </button>
        </td>
      </tr>
      {open.value && (
        <tr role="row" id={detailsId} class="why">
          <td role="cell" colSpan={5}>
            <ChargeDetails request={request} prices={prices} />
          </td>
        </tr>
      )}
    </>
  )
}
