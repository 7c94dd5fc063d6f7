import type { Notice } from '../notice.ts'

export interface DrainOptions {
  /** Answers read on at once for clients that have left. */
  readonly most: number
  /** How long one is read on, ms. */
  readonly drainMs: number
  /** How long usage is waited for behind a finish reason, ms. */
  readonly tailMs: number
}

const DEFAULTS: DrainOptions = { most: 32, drainMs: 120_000, tailMs: 5_000 }

/**
 * Answers read on without a client, because the provider bills them anyway: so the charge is exact. Each keeps its hold
 * and its place among its account's requests, so nobody can have many; and a process has only so many in all.
 */
export class Drains {
  readonly #closing: Notice
  readonly #options: DrainOptions
  #open = 0

  constructor(closing: Notice, options: Partial<DrainOptions> = {}) {
    this.#closing = closing
    this.#options = { ...DEFAULTS, ...options }
  }

  /** How many there are now. */
  get open(): number {
    return this.#open
  }

  /** Starts one; `letGo` is called when it has lasted too long or the process is to end. Returns how to end it, undefined where there are too many. */
  begin(letGo: () => void): (() => void) | undefined {
    if (this.#closing.given || this.#open >= this.#options.most) return undefined
    this.#open += 1
    const cease = this.#await(this.#options.drainMs, letGo)
    return () => {
      if (cease()) this.#open -= 1
    }
  }

  /** The same for the few bytes behind a finish reason, which are not counted. */
  beginTail(letGo: () => void): () => void {
    return this.#await(this.#options.tailMs, letGo)
  }

  #await(ms: number, letGo: () => void): () => boolean {
    let over = false
    const closing = this.#closing.given
    const timer = setTimeout(letGo, closing ? 0 : ms)
    const deafen = closing ? () => {} : this.#closing.hear(letGo)
    return () => {
      if (over) return false
      over = true
      clearTimeout(timer)
      deafen()
      return true
    }
  }
}
