import { formatUsd } from '@smartoken/prisma/money'
import type { ApiError } from '../errors.ts'
import type { Hold } from '../steps/open-hold.ts'
import type { Settled } from '../steps/settle.ts'

export const KEEP_ALIVE = ': keep-alive\n\n'
export const DONE = 'data: [DONE]\n\n'

export const dataEvent = (value: object): string => `data: ${JSON.stringify(value)}\n\n`

/** An error where a status can no longer say it. SDKs end at `error`, others at the finish reason. */
export const errorEvent = (error: ApiError): string =>
  dataEvent({ ...error.toJSON(), choices: [{ index: 0, delta: {}, finish_reason: 'error' }] })

/** A receipt as it ends a stream: a comment, which clients skip. */
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
