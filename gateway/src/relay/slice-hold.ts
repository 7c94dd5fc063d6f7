import type { Renewal, RenewAnswer, Settlement } from '@smartoken/prisma/ledger'
import type { NanoUsd } from '@smartoken/prisma/money'
import { bytesWith, SLICE_TOKENS } from '../metering/output-bound.ts'
import type { Hold } from '../steps/open-hold.ts'
import { HeldTokens } from './held-tokens.ts'
import { ProgressReports } from './progress-reports.ts'

/** How a stream waits where its money is used up. */
export interface EdgeOptions {
  /** How long money is waited for, ms. */
  readonly patienceMs: number
  /** Between asking for it and asking again, ms. */
  readonly retryMs: number
}

export const EDGE: EdgeOptions = { patienceMs: 5_000, retryMs: 250 }

export interface SliceHoldUse {
  readonly hold: Hold
  readonly renew: (renewal: Renewal) => Promise<RenewAnswer>
  readonly edge: EdgeOptions
  /** What is to be charged if this process is never heard of again. */
  readonly progress: () => Settlement
  /** Called when an answer may be read on that had to wait. */
  readonly goOn: () => void
  /** Called when it may not be read on at all: there is no more money, or the ledger does not answer. */
  readonly stop: (why: 'short' | 'away') => void
}

/**
 * The money of one stream: held for a slice of its answer at a time, raised while half of a slice is left, up to what the
 * whole limit costs. Where it is used up all the same, the stream waits for it.
 */
export class SliceHold {
  readonly #use: SliceHoldUse
  readonly #reports: ProgressReports
  readonly #tokens: HeldTokens
  /** The bytes at which there is something to decide; below, a chunk costs one comparison. */
  #decideAt = 0
  #asking = false
  /** What the last asking for more came to, if not to more. */
  #refused: 'short' | 'away' | undefined
  /** Tokens at the house's risk, once while the ledger is away. */
  #lent = 0
  /** Set while the stream waits. */
  #edge: NodeJS.Timeout | undefined
  #retry: NodeJS.Timeout | undefined
  /** Whether reading has to stop where the money does. */
  #bounded = true
  #over = false

  constructor(use: SliceHoldUse) {
    this.#use = use
    this.#tokens = new HeldTokens(use.hold)
    this.#reports = new ProgressReports(use.hold)
    this.#decideAt = this.#nextDecision()
  }

  /** nUSD held now. */
  get amount(): NanoUsd {
    return this.#tokens.amount
  }

  /** Takes how many text bytes of the answer have been read. False where no more may be, until `goOn` or `stop`. */
  used(bytes: number): boolean {
    this.#tokens.bytes = bytes
    if (bytes >= this.#decideAt) this.#decide()
    return this.#edge === undefined
  }

  /** From now on the answer is read on in any case: it is complete but for its usage, or will be billed whole anyway. */
  unbind(): void {
    this.#bounded = false
    this.#leaveEdge()
  }

  /** The stream is over: nothing is asked for any more. */
  end(): void {
    this.#over = true
    this.#leaveEdge()
  }

  #decide(): void {
    if (!this.#asking) {
      if (this.#wantsMore()) void this.#ask(this.#tokens.wanted)
      else if (this.#reports.isDue(this.#tokens.bytes)) void this.#ask(this.#tokens.held)
    }
    if (this.#bounded && !this.#edge && this.#isUsedUp()) this.#waitAtEdge()
    this.#decideAt = this.#nextDecision()
  }

  /** More is asked for once half of the last slice is used; what was refused, only where there is nothing left. */
  #wantsMore(): boolean {
    if (this.#tokens.isWhole) return false
    if (this.#refused) return this.#bounded && this.#isUsedUp()
    return this.#tokens.isLow
  }

  #isUsedUp(): boolean {
    return this.#tokens.isUsedUp(this.#lent)
  }

  #nextDecision(): number {
    const { held, isWhole } = this.#tokens
    return Math.min(
      this.#asking ? Infinity : this.#reports.dueAt,
      this.#asking || isWhole || this.#refused ? Infinity : bytesWith(held - SLICE_TOKENS / 2),
      isWhole || this.#edge || !this.#bounded ? Infinity : bytesWith(held + this.#lent),
    )
  }

  async #ask(tokens: number): Promise<void> {
    this.#asking = true
    const { bytes } = this.#tokens
    const answer = await this.#renew(tokens).catch(() => undefined)
    this.#asking = false
    this.#reports.reported(bytes)
    if (answer?.outcome === 'no_hold') return this.#lose()
    this.#take(answer)
    if (!this.#over) this.#afterAnswer()
  }

  /** This process was given up and its hold settled: more will never be held, and waiting is of no use. */
  #lose(): void {
    if (this.#over || !this.#bounded) return
    this.end()
    this.#use.stop('away')
  }

  async #renew(tokens: number): Promise<RenewAnswer> {
    const { hold, renew, progress } = this.#use
    return renew({
      requestId: hold.requestId,
      accountId: hold.accountId,
      total: this.#tokens.totalFor(tokens),
      tokens: hold.most.prompt + tokens,
      progress: progress(),
    })
  }

  #take(answer: RenewAnswer | undefined): void {
    if (!answer || answer.amount === null || answer.outcome === 'busy') {
      this.#refused = 'away'
      return
    }
    this.#tokens.amount = answer.amount
    this.#refused = answer.outcome === 'short' ? 'short' : undefined
    if (!this.#isUsedUp()) this.#lent = 0
  }

  #afterAnswer(): void {
    if (this.#edge && this.#refused === 'away' && this.#lent === 0) this.#lent = SLICE_TOKENS
    if (this.#edge && this.#isUsedUp()) {
      this.#retry = setTimeout(() => void this.#ask(this.#tokens.wanted), this.#use.edge.retryMs)
      return
    }
    if (this.#edge) {
      this.#leaveEdge()
      this.#use.goOn()
    }
    this.#decide()
  }

  #waitAtEdge(): void {
    this.#edge = setTimeout(() => {
      this.end()
      this.#use.stop(this.#refused ?? 'away')
    }, this.#use.edge.patienceMs)
    if (!this.#asking) void this.#ask(this.#tokens.wanted)
  }

  #leaveEdge(): void {
    clearTimeout(this.#edge)
    clearTimeout(this.#retry)
    this.#edge = undefined
  }
}
