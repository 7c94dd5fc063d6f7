/** Something said once to whoever listens, at once to those who come later. */
export class Notice {
  readonly #listeners = new Set<() => void>()
  #given = false

  get given(): boolean {
    return this.#given
  }

  /** Calls back when it is given; returns how to listen no longer. */
  hear(listener: () => void): () => void {
    if (this.#given) listener()
    else this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  give(): void {
    this.#given = true
    for (const listener of this.#listeners) listener()
    this.#listeners.clear()
  }
}
