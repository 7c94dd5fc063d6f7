import type { Outcome } from '@smartoken/prisma/bill'
import { readUsage } from '../metering/read-usage.ts'
import type { HeldEnding } from '../steps/settle.ts'
import type { ClientStream } from './client-stream.ts'
import type { Exchange } from './exchange.ts'
import type { StreamReader } from './stream-reader.ts'

/** A stream as it stands at one moment. */
export interface StreamSoFar {
  readonly exchange: Exchange
  readonly stream: ClientStream
  readonly reader: StreamReader
  /** The hold as it has grown. */
  readonly hold: Exchange['hold']
  /** What came before the first output and is still kept back. */
  readonly early: string
  /** Text bytes that reached the client. */
  readonly deliveredBytes: number
  readonly firstOutputAt: Date | undefined
}

const CLIENT_LEFT = 499

/** The stream, had it ended now with this outcome. */
export const endingOf = (
  { exchange, reader, hold, deliveredBytes, firstOutputAt }: StreamSoFar,
  outcome: Outcome,
  errorCode?: string,
): HeldEnding => ({
  hold,
  by: exchange.call,
  attempts: exchange.call.attempts,
  outcome,
  status: outcome.startsWith('client_left') ? CLIENT_LEFT : 200,
  reported: readUsage(reader.facts.usage),
  promptBytes: exchange.request.prompt.bytes,
  answerBytes: deliveredBytes,
  most: hold.most,
  finishReason: reader.facts.finishReason,
  firstOutputAt,
  ...(errorCode && { errorCode }),
})
