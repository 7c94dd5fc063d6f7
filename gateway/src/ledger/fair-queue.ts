import type { Entry } from './entry.ts'

/**
 * What waits for the next batch: first come, first served within an account, one of each account in turn.
 */
export class FairQueue {
  readonly #waiting = new Map<string, Entry[]>()

  /** Calls that wait for this account's turn. */
  waitingOf(accountId: string): number {
    return this.#waiting.get(accountId)?.length ?? 0
  }

  push(entry: Entry): void {
    const { accountId } = entry.row
    const waiting = this.#waiting.get(accountId)
    if (waiting) waiting.push(entry)
    else this.#waiting.set(accountId, [entry])
  }

  /** Puts back what could not be done, before all else. */
  putBack(entries: readonly Entry[]): void {
    for (const entry of entries.toReversed()) {
      const { accountId } = entry.row
      const waiting = this.#waiting.get(accountId)
      if (waiting) waiting.unshift(entry)
      else this.#waiting.set(accountId, [entry])
    }
  }

  /** Takes the next batch, at most so many; what became moot is dropped. */
  take(most: number): Entry[] {
    const taken: Entry[] = []
    while (taken.length < most && this.#waiting.size > 0) this.#takeOneEach(taken, most)
    this.#rotate(taken)
    return taken
  }

  #takeOneEach(taken: Entry[], most: number): void {
    for (const [accountId, waiting] of this.#waiting) {
      if (taken.length === most) return
      let next = waiting.shift()
      while (next?.moot) next = waiting.shift()
      if (next) taken.push(next)
      if (waiting.length === 0) this.#waiting.delete(accountId)
    }
  }

  /** Who was served and has more waits behind the others. */
  #rotate(taken: readonly Entry[]): void {
    for (const { row } of taken) {
      const waiting = this.#waiting.get(row.accountId)
      if (!waiting) continue
      this.#waiting.delete(row.accountId)
      this.#waiting.set(row.accountId, waiting)
    }
  }
}
