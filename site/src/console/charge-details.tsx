import { explainCharge, type Charged, type Explanation } from './explain-charge.ts'
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
        {counted(request)} Key “{request.apiKey.name}” <code>{request.apiKey.hint}</code>
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

const verdicts: Readonly<Record<Charged, string>> = {
  'the same': '',
  excused: 'Not charged: the provider broke off, so it is ours.',
  uncovered: 'You were charged less: what your wallet could not cover is ours.',
  limited: 'You were charged less: your balance was used up, and no more than was held is due.',
  more: 'You were charged more than that. Report it with the request id.',
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
      {verdicts[charged]}
      {/[1-9]/.test(request.refunded) && ` ${dollars(request.refunded)} was refunded since.`}
    </p>
  )
}

function counted({ usageSource, usageFlag }: RequestRow): string {
  if (usageSource === 'provider') return 'Tokens as the provider reported them.'
  if (usageFlag === 'usage_missing')
    return 'The provider reported no tokens, so we counted what was delivered.'
  if (usageFlag === 'usage_implausible')
    return 'The provider’s report could not be true, so we counted what was delivered.'
  if (usageSource === 'counted') return 'Tokens counted by us from what was delivered.'
  return 'Nothing was metered.'
}

/** Whole milliseconds between two instants. */
function ms(from: string, until: string): string {
  return `${count(Date.parse(until) - Date.parse(from))} ms`
}
