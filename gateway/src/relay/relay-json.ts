import { formatUsd } from '@smartoken/prisma/money'
import type { ServerResponse } from 'node:http'
import { z } from 'zod'
import { readUsage } from '../metering/read-usage.ts'
import { readWhole } from '../upstreams/dispatch.ts'
import { settle } from '../steps/settle.ts'
import { noAnswer } from '../steps/upstream-error.ts'
import { answerHeaders, routeHeaders } from './answer-headers.ts'
import { answerBytes } from './chunk.ts'
import type { Exchange } from './exchange.ts'
import { outcomeOfFinish } from './finish-reason.ts'

/** Bytes of the largest plain answer. */
const MOST_ANSWER_BYTES = 16 * 1024 * 1024

/**
 * Reads a plain answer whole, charges it, then sends its bytes as they came. It may be read to its end for a client that
 * has left: then nothing was delivered, but the charge is exact.
 *
 * @throws UpstreamError when the answer broke off or is no JSON: nothing has been sent or billed.
 */
export async function relayJson(exchange: Exchange, out: ServerResponse): Promise<void> {
  const { services, hold, call, request, patience } = exchange
  const { signal } = patience
  const bytes = await readWhole(call.answer, MOST_ANSWER_BYTES, signal).catch((cause: unknown) => {
    throw noAnswer(cause)
  })
  const answer = parse(bytes)
  if (!answer) throw noAnswer(new Error('the answer is not a chat completion'))
  call.trial.answered()

  const finishReason = answer.choices[0]!.finish_reason ?? undefined
  const delivered = answerBytes({
    choices: answer.choices.map(({ message }) => ({ delta: message })),
  })
  const { left } = patience
  const settled = await settle(services, {
    hold,
    by: call,
    attempts: call.attempts,
    outcome: left ? 'client_left_drained' : outcomeOfFinish(finishReason),
    status: left ? 499 : 200,
    reported: readUsage(answer.usage ?? undefined),
    promptBytes: request.prompt.bytes,
    answerBytes: left ? 0 : delivered,
    most: hold.most,
    finishReason,
    firstOutputAt: services.clock.now(),
  })
  if (out.destroyed) return
  out.writeHead(200, {
    ...answerHeaders(hold, exchange.limitAsked, call.adjusted),
    ...routeHeaders(call),
    ...(settled && { 'x-smartoken-cost': formatUsd(settled.charge) }),
    'content-type': 'application/json',
    'content-length': bytes.length,
  })
  out.end(bytes)
}

/** What we read of an answer: loose, since it is another's. */
const completion = z.looseObject({
  choices: z
    .array(
      z.looseObject({
        message: z.looseObject({}).nullish(),
        finish_reason: z.string().nullish().catch(undefined),
      }),
    )
    .min(1),
  usage: z.looseObject({}).nullish().catch(undefined),
})

function parse(bytes: Buffer): z.infer<typeof completion> | undefined {
  try {
    return completion.safeParse(JSON.parse(bytes.toString('utf8'))).data
  } catch {
    return undefined
  }
}
