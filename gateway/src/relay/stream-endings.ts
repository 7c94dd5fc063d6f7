import { receiptOf, type Outcome } from '@smartoken/prisma/bill'
import { ApiError } from '../errors.ts'
import { billFor, settle, type HeldEnding } from '../steps/settle.ts'
import { noAnswer } from '../steps/upstream-error.ts'
import { UpstreamError } from '../upstreams/fault.ts'
import { outcomeOfFinish } from './finish-reason.ts'
import { noteOddFinish } from './odd-finish.ts'
import {
  dataEvent,
  DONE,
  errorEvent,
  finishEvent,
  receiptComment,
  usageEvent,
} from './stream-events.ts'
import { endingOf, type StreamSoFar } from './stream-so-far.ts'

/** The ways a stream ends: each is charged first, then says to the client, if it is there, what has become of it. */
export type StreamEnding = (soFar: StreamSoFar) => Promise<void>

/** The upstream said all it had to say. */
export const complete: StreamEnding = (soFar) => {
  const { facts, firstChunk, impliedFinish, oddFinish } = soFar.reader
  if (oddFinish) noteOddFinish(soFar.exchange, oddFinish)
  // Some say only [DONE]; clients take an answer without a finish reason for a broken one.
  const last = facts.finishReason === undefined ? finishEvent(firstChunk, impliedFinish) : ''
  return finish(soFar, endingOf(soFar, outcomeOfFinish(facts.finishReason)), last)
}

/** Our money limit, which is no cut: it ends as a model's own limit does. */
export const cutForMoney: StreamEnding = (soFar) =>
  finish(
    soFar,
    { ...endingOf(soFar, 'money_limit'), finishReason: 'length' },
    finishEvent(soFar.reader.firstChunk, 'length'),
  )

/** The ledger did not answer for too long: what had been held is all that is charged. */
export const billingAway: StreamEnding = (soFar) =>
  fail(soFar, 'money_limit', new ApiError('billing_unavailable', { message: BILLING_AWAY }))

/** The upstream broke off. Before any output, it is as if it had never begun. */
export const brokeOff =
  (cause: unknown): StreamEnding =>
  (soFar) => {
    if (!soFar.firstOutputAt) throw cause instanceof UpstreamError ? cause : noAnswer(cause)
    const { call, services } = soFar.exchange
    call.trial.failed()
    services.telemetry.upstreamFault(call.upstream.id, 'connection')
    return fail(soFar, 'upstream_broke', new ApiError('upstream_broke'))
  }

/** This process has to stop. */
export const shutDown: StreamEnding = (soFar) => {
  if (!soFar.stream.begun) throw new UpstreamError('connection', new ApiError('server_restarting'))
  return fail(soFar, 'shutdown', new ApiError('server_restarting'))
}

/** The client has left: there is nobody to say anything to. */
export const unheard =
  (outcome: Outcome): StreamEnding =>
  async (soFar) => {
    await settle(soFar.exchange.services, endingOf(soFar, outcome))
  }

const BILLING_AWAY =
  'Billing became unavailable, so the answer could not go on. You pay at most what had been held for it.'

async function finish(soFar: StreamSoFar, ending: HeldEnding, last: string): Promise<void> {
  const { exchange, reader, stream, early } = soFar
  const { services, hold, request } = exchange
  const settled = await settle(services, ending)
  const usage = request.usageAsked
    ? (reader.usageChunk ?? usageEvent(reader.firstChunk, billFor(ending).usage))
    : undefined
  stream.end(
    [
      early,
      last,
      usage ? dataEvent(usage) : '',
      settled ? receiptComment(receiptOf(services.catalog, settled.request, hold.price)) : '',
      DONE,
    ].join(''),
  )
}

async function fail(soFar: StreamSoFar, outcome: Outcome, error: ApiError): Promise<void> {
  await settle(soFar.exchange.services, endingOf(soFar, outcome, error.code))
  soFar.stream.end(errorEvent(error))
}
