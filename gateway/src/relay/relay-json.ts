import { formatUsd } from '@smartoken/prisma/money'
import type { ServerResponse } from 'node:http'
import { z } from 'zod'
import { readUsage } from '../metering/read-usage.ts'
import { readWhole } from '../upstreams/dispatch.ts'
import { settle } from '../steps/settle.ts'
import { errorInAnswer, noAnswer } from '../steps/upstream-error.ts'
import { answerHeaders, routeHeaders } from './answer-headers.ts'
import { AnswerRepair } from './answer-repair.ts'
import { answerBytes, usageIn, usageToShow } from './chunk.ts'
import type { Exchange } from './exchange.ts'
import { outcomeOfFinish } from './finish-reason.ts'
import { noteOddFinish } from './odd-finish.ts'

/** Bytes of the largest plain answer. */
const MOST_ANSWER_BYTES = 16 * 1024 * 1024

/**
 * Reads a plain answer whole, charges it, then sends its bytes as they came, unless its provider's ways have to be mended.
 * It may be read to its end for a client that has left: then nothing was delivered, but the charge is exact.
 *
 * @throws UpstreamError when the answer broke off or is no JSON: nothing has been sent or billed.
 */
export async function relayJson(exchange: Exchange, out: ServerResponse): Promise<void> {
  const { services, hold, call, request, patience } = exchange
  const { signal } = patience
  const bytes = await readWhole(call.answer, MOST_ANSWER_BYTES, signal).catch((cause: unknown) => {
    throw noAnswer(cause)
  })
  const { answer, body, oddFinish } = readAnswer(exchange, bytes)
  call.trial.answered()
  if (oddFinish) noteOddFinish(exchange, oddFinish)

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
    'content-length': body.length,
  })
  out.end(body)
}

/** The answer that was sent, mended where its provider's ways need it, and its bytes. @throws UpstreamError where it is none */
function readAnswer({ call, hold }: Exchange, bytes: Buffer) {
  const { provider } = call.route
  const value = parse(bytes)
  const given = completion.safeParse(value).data
  if (!given || isRefused(value)) {
    const said = errorInAnswer(provider, value)
    throw said ?? noAnswer(new Error('the answer is not a chat completion'))
  }
  const repair = new AnswerRepair({ provider, model: hold.facts.modelId })
  const answer = repaired(given, repair)
  if (repair.error) throw repair.error
  const body = answer === given ? bytes : written(answer)
  return { answer, body, oddFinish: repair.oddFinish }
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

/** The bytes of an answer that was mended. @throws UpstreamError where it is nested too deeply to be written */
function written(answer: Completion): Buffer {
  try {
    return Buffer.from(JSON.stringify(answer))
  } catch (cause) {
    throw noAnswer(cause)
  }
}

type Completion = z.infer<typeof completion>

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch {
    return undefined
  }
}

/** Whether an answer with choices says all the same that it is none (MiniMax). */
const isRefused = (value: unknown): boolean =>
  Boolean(
    (value as { base_resp?: { status_code?: unknown } | null } | null)?.base_resp?.status_code,
  )

/** The answer with its usage where clients look for it, and what its provider does otherwise mended; itself where all was well. */
function repaired(given: Completion, repair: AnswerRepair): Completion {
  const named = repair.named(given)
  const choices = given.choices.map((choice) => repair.whole(choice))
  const usage = usageIn(given)
  const shown = usage && usageToShow(usage)
  const isSound =
    named === given &&
    shown === (given.usage ?? undefined) &&
    choices.every((choice, at) => choice === given.choices[at])
  if (isSound) return given
  const { bot_usage: _bot, ...rest } = named
  const own = choices.map(({ usage: _usage, ...choice }) => choice)
  return { ...rest, choices: own, ...(shown && { usage: shown }) }
}
