import { COUNTED_VERSION, countUsage, tokensPerKilobyte } from '@smartoken/prisma/bill'
import { charge, type Usage } from '@smartoken/prisma/catalog'
import { SLICE_TOKENS } from '../metering/output-bound.ts'
import type { Hold } from '../steps/open-hold.ts'

/** The unreported part of a charge is at most that of a quarter of a slice: so much the house can lose with a process. */
const UNREPORTED_TOKENS = SLICE_TOKENS / 4

const NOTHING: Usage = { input: 0, cachedInput: 0, cacheWrite: 0, output: 0, thinkingOutput: 0 }

/** When a stream has to report what it would be charged. */
export class ProgressReports {
  /** Bytes of an answer counted as that many tokens. */
  readonly #step: number
  #dueAt: number

  constructor({ family, facts, limit, price }: Hold) {
    this.#step = Math.ceil((UNREPORTED_TOKENS * 1_000) / tokensPerKilobyte(COUNTED_VERSION, family))
    // The prompt is unreported, too.
    const { input } = countUsage({ family, promptBytes: facts.promptBytes, answerBytes: 0, limit })
    const most = charge({ ...NOTHING, output: UNREPORTED_TOKENS }, price)
    const rest = most - charge({ ...NOTHING, input }, price)
    this.#dueAt = rest > 0n ? Math.max(Number((rest * BigInt(this.#step)) / most), 1) : 1
  }

  /** Bytes of the answer at which the next report is due. */
  get dueAt(): number {
    return this.#dueAt
  }

  isDue(bytes: number): boolean {
    return bytes >= this.#dueAt
  }

  /** Counts the next step from here; from a report that failed, too, or an absent ledger were asked at every chunk. */
  reported(bytes: number): void {
    this.#dueAt = bytes + this.#step
  }
}
