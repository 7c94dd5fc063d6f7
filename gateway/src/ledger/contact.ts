/** A database that has just failed is given so long to answer again before it counts as away. */
const GRACE_MS = 2_000

/** Whether the database is there, from what has been heard of it: nobody is asked to find out. */
export class Contact {
  readonly #mostSilentMs: number
  #heardAt = performance.now()
  #failedAt = Number.NEGATIVE_INFINITY

  /** Silent for so long, ms, it counts as away: something is always asked more often. */
  constructor(mostSilentMs: number) {
    this.#mostSilentMs = mostSilentMs
  }

  /** It has answered. */
  heard(): void {
    this.#heardAt = performance.now()
  }

  /** It has not answered, or could not be reached. */
  failed(): void {
    this.#failedAt = performance.now()
  }

  get isThere(): boolean {
    const silentMs = performance.now() - this.#heardAt
    return silentMs < (this.#failedAt > this.#heardAt ? GRACE_MS : this.#mostSilentMs)
  }
}
