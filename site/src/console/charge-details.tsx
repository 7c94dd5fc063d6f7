import { explainCharge, type Explanation } from './explain-charge.ts'
import { count, dollars } from './format.ts'
import type { RequestRow } from './operations.ts'
import type { PublishedPrices } from './published-prices.ts'

interface Props {
  readonly request: RequestRow
  readonly prices: PublishedPrices
}

/** Tokens times price, worked out here from the published price, and how the request went. */
export function ChargeDetails({ request, prices }: Props) {
  const explanation = explainCharge(request, prices)
  return (
    <>
      {explanation ? (
        <Sum explanation={explanation} request={request} />
      ) : (
        <p>
          Charged by the price <code>{request.priceId}</code>, which this page does not have. Reload
          it to get the newest prices.
        </p>
      )}
      <p class="soft">
        {counted(request.usageSource)} Key “{request.apiKey.name}”{' '}
        <code>{request.apiKey.hint}</code>
        {request.provider && `, provider ${request.provider}`}
        {`, ${request.stream ? 'streamed' : 'not streamed'}`}
        {request.firstOutputAt &&
          `, first output after ${ms(request.openedAt, request.firstOutputAt)}`}
        {`, ended after ${ms(request.openedAt, request.finishedAt)}`}
        {request.finishReason && `, finish reason “${request.finishReason}”`}.
      </p>
    </>
  )
}

function Sum({ explanation, request }: { explanation: Explanation; request: RequestRow }) {
  const { classes, due, charged } = explanation
  if (classes.length === 0) return <p>No tokens were billed.</p>
  const terms = classes.map(
    ({ name, tokens, rate }) => `${count(tokens)} ${name} × ${dollars(rate)}`,
  )
  return (
    <p>
      {terms.join(' + ')} per million tokens = {dollars(due)}, rounded up to a billionth of a
      dollar, by the price <a href={`/models/${request.model}`}>{request.priceId}</a>.{' '}
      {charged === 'less' && 'You were charged less: what your wallet could not cover is ours.'}
      {charged === 'more' && 'You were charged more than that. Report it with the request id.'}
    </p>
  )
}

function counted(usageSource: string): string {
  if (usageSource === 'provider') return 'Tokens as the provider reported them.'
  if (usageSource === 'counted') return 'Tokens counted by us from what was delivered.'
  return 'Nothing was metered.'
}

/** Whole milliseconds between two instants. */
function ms(from: string, until: string): string {
  return `${count(Date.parse(until) - Date.parse(from))} ms`
}
