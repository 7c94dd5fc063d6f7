import type { Outcome } from '@smartoken/prisma/bill'
import type { Upstream } from '../upstreams/upstreams.ts'
import type { Drains } from './drains.ts'
import type { StreamFacts } from './stream-reader.ts'

/** A client that left its stream, and what becomes of the answer. */
export interface Departure {
  /** Whether the answer is read on without it. */
  readonly goesOn: boolean
  /** How the request ends if the answer comes to its end. */
  readonly outcome: Outcome
  /** How it ends if the answer is cut. */
  readonly cut: Outcome
  /** Text bytes the client had received. */
  readonly deliveredBytes: number
  /** Ends the reading on. */
  readonly end: () => void
}

/**
 * Decides by how far the answer is: before any output it is let go of; behind its finish reason its usage is waited for a
 * little; in the middle it is read on if its provider bills it anyway, or may, and there are not too many such already.
 * `letGo` is called when it has been read on for long enough.
 */
export function departureFrom(
  facts: StreamFacts,
  { billsOnCancel }: Upstream,
  drains: Drains,
  letGo: () => void,
): Departure {
  const deliveredBytes = facts.answerBytes
  if (facts.finishReason !== undefined || facts.done) {
    const outcome = 'client_left_after_finish'
    return { goesOn: true, outcome, cut: outcome, deliveredBytes, end: drains.beginTail(letGo) }
  }
  const cut = facts.output ? 'client_left' : 'client_left_before_output'
  const mayBill = facts.output && billsOnCancel.stream !== 'stops'
  const end = mayBill ? drains.begin(letGo) : undefined
  return {
    goesOn: end !== undefined,
    outcome: 'client_left_drained',
    cut,
    deliveredBytes,
    end: end ?? (() => {}),
  }
}
