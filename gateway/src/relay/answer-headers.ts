import { formatUsd } from '@smartoken/prisma/money'
import type { Hold } from '../steps/open-hold.ts'
import type { Settled } from '../steps/settle.ts'
import type { Exchange } from './exchange.ts'

/** What every chat answer says of itself. Nothing of the upstream's own headers is passed on. */
export function answerHeaders({ hold, call, limitAsked }: Exchange): Record<string, string> {
  return {
    'x-request-id': hold.requestId,
    'x-smartoken-route': call.route.id,
    'x-smartoken-price': hold.price.id,
    ...(call.upstream.sandbox && { 'x-smartoken-sandbox': 'true' }),
    ...(hold.limit < limitAsked && { 'x-smartoken-adjusted': `max_tokens=${hold.limit}` }),
    'cache-control': 'no-store',
    'x-robots-tag': 'noindex',
  }
}

/** A receipt as it ends a stream: an SSE comment, which clients skip. */
export const receiptComment = (hold: Hold, settled: Settled): string =>
  `: receipt ${JSON.stringify({
    request_id: hold.requestId,
    charge_usd: formatUsd(settled.charge),
    price: hold.price.id,
    usage_source: settled.usageSource,
    usage: {
      input: settled.usage.input,
      cached_input: settled.usage.cachedInput,
      cache_write: settled.usage.cacheWrite,
      output: settled.usage.output,
      thinking_output: settled.usage.thinkingOutput,
    },
  })}\n\n`
