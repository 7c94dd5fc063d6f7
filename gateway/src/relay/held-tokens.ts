import { mostExpensive, outputTokensFor } from '@smartoken/prisma/catalog'
import type { NanoUsd } from '@smartoken/prisma/money'
import { mostTokensIn, SLICE_TOKENS } from '../metering/output-bound.ts'
import type { Hold } from '../steps/open-hold.ts'

/** A hold in tokens of the answer: how many its amount pays, how many are used. */
export class HeldTokens {
  readonly #hold: Hold
  #amount: NanoUsd
  #held: number
  /** Text bytes of the answer read so far. */
  bytes = 0

  constructor(hold: Hold) {
    this.#hold = hold
    this.#amount = hold.amount
    this.#held = this.#payable()
  }

  /** nUSD held. */
  get amount(): NanoUsd {
    return this.#amount
  }

  set amount(amount: NanoUsd) {
    this.#amount = amount
    this.#held = this.#payable()
  }

  get held(): number {
    return this.#held
  }

  /** The most that the bytes read can be billed for. */
  get used(): number {
    return Math.min(mostTokensIn(this.bytes), this.#hold.most.output)
  }

  /** Whether all that the limit allows is held for. */
  get isWhole(): boolean {
    return this.#held >= this.#hold.most.output
  }

  /** Whether no more than half a slice is left. */
  get isLow(): boolean {
    return this.used >= this.#held - SLICE_TOKENS / 2
  }

  /** Whether nothing is left, with so many tokens lent; what is whole cannot be used up. */
  isUsedUp(lent: number): boolean {
    const payable = this.#held + lent
    return payable < this.#hold.most.output && this.used >= payable
  }

  /** How many to hold for next: a slice more. */
  get wanted(): number {
    return Math.min(Math.max(this.#held, this.used) + SLICE_TOKENS, this.#hold.most.output)
  }

  /** What so many tokens cost at most, nUSD, never less than what is held. */
  totalFor(outputTokens: number): NanoUsd {
    const { price, most } = this.#hold
    const total = mostExpensive(price, { inputTokens: most.prompt, outputTokens })
    return total > this.#amount ? total : this.#amount
  }

  #payable(): number {
    const { price, most } = this.#hold
    return Math.min(outputTokensFor(price, most.prompt, this.#amount), most.output)
  }
}
