import { formatUsd } from '@smartoken/prisma/money'
import type { ServerResponse } from 'node:http'
import { readUsage } from '../metering/read-usage.ts'
import { readWhole } from '../upstreams/dispatch.ts'
import { settle } from '../steps/settle.ts'
import { answerHeaders } from './answer-headers.ts'
import { answerFailed, type Exchange } from './exchange.ts'

/** Bytes of the largest plain answer. */
const MOST_ANSWER_BYTES = 16 * 1024 * 1024

/**
 * Reads a plain answer whole, charges it, then sends its bytes as they came.
 *
 * @throws UpstreamFailed when the answer broke off or is no JSON: nothing has been sent or billed.
 */
export async function relayJson(exchange: Exchange, out: ServerResponse): Promise<void> {
  const { services, hold, call, request } = exchange
  const bytes = await readWhole(call.answer, MOST_ANSWER_BYTES).catch((cause: unknown) => {
    throw answerFailed(exchange, cause)
  })
  const answer = parse(bytes)
  if (!answer) throw answerFailed(exchange, new Error('the answer is not a chat completion'))

  const settled = await settle(services, {
    hold,
    by: call,
    attempts: call.attempts,
    outcome: 'completed',
    status: 200,
    reported: readUsage(answer.usage),
    promptBytes: request.prompt.bytes,
    answerBytes: Buffer.byteLength(JSON.stringify(answer.choices.map((choice) => choice.message))),
    most: hold.most,
    finishReason: answer.choices[0]?.finish_reason,
    firstOutputAt: services.clock.now(),
  })
  out.writeHead(200, {
    ...answerHeaders(exchange),
    ...(settled && { 'x-smartoken-cost': formatUsd(settled.charge) }),
    'content-type': 'application/json',
    'content-length': bytes.length,
  })
  out.end(bytes)
}

interface Answer {
  readonly choices: readonly { readonly message?: unknown; readonly finish_reason?: string }[]
  readonly usage: Record<string, unknown> | undefined
}

function parse(bytes: Buffer): Answer | undefined {
  try {
    const value = JSON.parse(bytes.toString('utf8')) as Partial<Answer> | null
    return Array.isArray(value?.choices) && value.choices.length > 0 ? (value as Answer) : undefined
  } catch {
    return undefined
  }
}
