/** What is left of a capacity after the upstream has said that it is too much. */
const SHRINK_TO = 0.75
/** Refusals so close together answer requests sent at one and the same capacity, and count as one. */
const SHRINK_ONCE_MS = 1_000
/** From nothing back to all of it, evenly. */
const RECOVERY_MS = 60_000

/** How many requests an upstream takes at once: less after it refused one, and slowly more again. */
export class Capacity {
  readonly #most: number
  #shrunkTo: number
  #shrunkAt = -Infinity

  constructor(most: number) {
    this.#most = most
    this.#shrunkTo = most
  }

  /** Requests at once, at least 1. */
  get now(): number {
    const regained = ((performance.now() - this.#shrunkAt) / RECOVERY_MS) * this.#most
    return Math.max(Math.floor(Math.min(this.#shrunkTo + regained, this.#most)), 1)
  }

  /** The upstream refused a request while so many were open. */
  shrink(inUse: number): void {
    if (performance.now() - this.#shrunkAt < SHRINK_ONCE_MS) return
    this.#shrunkTo = Math.min(this.now, inUse) * SHRINK_TO
    this.#shrunkAt = performance.now()
  }
}
