const SLICES = 10

/** Milliseconds of a clock that never goes back. */
export type Now = () => number

/** How often something has happened lately. What is older than the window is forgotten, a tenth of it at a time. */
export class SlidingCount {
  readonly #now: Now
  readonly #sliceMs: number
  readonly #slices: number[] = Array.from({ length: SLICES }, () => 0)
  /** The slice the clock was in when last looked. */
  #slice: number
  #total = 0

  constructor(windowMs: number, now: Now) {
    this.#now = now
    this.#sliceMs = windowMs / SLICES
    this.#slice = this.#current()
  }

  get total(): number {
    this.#forget()
    return this.#total
  }

  add(): void {
    this.#forget()
    this.#slices[this.#slice % SLICES]! += 1
    this.#total += 1
  }

  #current(): number {
    return Math.floor(this.#now() / this.#sliceMs)
  }

  #forget(): void {
    const current = this.#current()
    const passed = Math.min(current - this.#slice, SLICES)
    for (let back = 0; back < passed; back += 1) {
      const at = (current - back) % SLICES
      this.#total -= this.#slices[at]!
      this.#slices[at] = 0
    }
    this.#slice = current
  }
}
