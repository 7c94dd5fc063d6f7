/** What is taken for it before anything has been measured, ms. */
const ASSUMED_MS = 1_000
/** How many requests the mean remembers. */
const REMEMBERED = 64

/** How long requests hold their slots, as lately measured. */
export class ServiceTime {
  #meanMs = ASSUMED_MS
  #measured = 0
  #lastEndAt = performance.now()

  /** One has ended, after so many ms. */
  ended(ms: number): void {
    this.#measured = Math.min(this.#measured + 1, REMEMBERED)
    this.#meanMs += (ms - this.#meanMs) / this.#measured
    this.#lastEndAt = performance.now()
  }

  /** Nothing was open until now, so the silence before tells nothing. */
  beginsAnew(): void {
    this.#lastEndAt = performance.now()
  }

  /** ms; where none of many has ended for longer than that, they have become slower. */
  get expected(): number {
    return Math.max(this.#meanMs, performance.now() - this.#lastEndAt)
  }
}
