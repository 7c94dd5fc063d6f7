/** Why an upstream is not read at the moment: its client is slow, or its money is used up. It is read on when neither is so. */
export class Brake {
  readonly #reasons = new Set<'client' | 'money'>()
  readonly #resume: () => void

  constructor(resume: () => void) {
    this.#resume = resume
  }

  get off(): boolean {
    return this.#reasons.size === 0
  }

  hold(reason: 'client' | 'money'): void {
    this.#reasons.add(reason)
  }

  release(reason: 'client' | 'money'): void {
    if (this.#reasons.delete(reason) && this.off) this.#resume()
  }
}
