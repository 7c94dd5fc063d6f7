import type { Receipt } from '@smartoken/prisma/bill'
import { promptTokens, type Usage } from '@smartoken/prisma/catalog'
import type { ApiError } from '../errors.ts'
import type { Chunk } from './chunk.ts'

export const KEEP_ALIVE = ': keep-alive\n\n'
export const DONE = 'data: [DONE]\n\n'

export const dataEvent = (value: object): string => `data: ${JSON.stringify(value)}\n\n`

/** An error where a status can no longer say it. SDKs end at `error`, others at the finish reason. */
export const errorEvent = (error: ApiError): string =>
  dataEvent({ ...error.toJSON(), choices: [{ index: 0, delta: {}, finish_reason: 'error' }] })

/** A chunk that finishes the answer, in the place of the upstream's own; it belongs to the stream of `like`. */
export const finishEvent = (like: Chunk | undefined, reason: string): string =>
  dataEvent({ ...envelope(like), choices: [{ index: 0, delta: {}, finish_reason: reason }] })

/** The usage chunk of a stream whose upstream sent none: what it is billed. */
export function usageEvent(like: Chunk | undefined, usage: Usage): object {
  const prompt = promptTokens(usage)
  const answer = usage.output + usage.thinkingOutput
  return {
    ...envelope(like),
    choices: [],
    usage: {
      prompt_tokens: prompt,
      completion_tokens: answer,
      total_tokens: prompt + answer,
      prompt_tokens_details: { cached_tokens: usage.cachedInput },
    },
  }
}

/** What every chunk of a stream has in common. */
const envelope = (like: Chunk | undefined): object => ({
  id: like?.['id'],
  object: 'chat.completion.chunk',
  created: like?.['created'],
  model: like?.['model'],
})

/** A receipt as it ends a stream: a comment, which clients skip. */
export const receiptComment = (receipt: Receipt): string =>
  `: receipt ${JSON.stringify(receipt)}\n\n`
