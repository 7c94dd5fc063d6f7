import type { LedgerClock } from '../metering/ledger-clock.ts'
import type { ClientStream } from './client-stream.ts'

/** What of an answer goes to the client: nothing before its first output, so that until then an error has a true status. */
export class Delivery {
  readonly #stream: ClientStream
  readonly #clock: LedgerClock
  readonly #began: () => void
  readonly #early: Buffer[] = []
  #firstOutputAt: Date | undefined

  /** `began` is called at the first output. */
  constructor(stream: ClientStream, clock: LedgerClock, began: () => void) {
    this.#stream = stream
    this.#clock = clock
    this.#began = began
  }

  get firstOutputAt(): Date | undefined {
    return this.#firstOutputAt
  }

  /** What is still kept back. */
  get early(): string {
    return Buffer.concat(this.#early).toString('utf8')
  }

  /** Sends bytes, or keeps them back while there has been no output. False while the client is slower than they come. */
  pass(bytes: Buffer, output: boolean): boolean {
    if (bytes.length === 0) return true
    this.#early.push(bytes)
    if (!output) return true
    if (!this.#firstOutputAt) {
      this.#firstOutputAt = this.#clock.now()
      this.#began()
    }
    const all = this.#early.length === 1 ? bytes : Buffer.concat(this.#early)
    this.#early.length = 0
    return this.#stream.write(all)
  }
}
