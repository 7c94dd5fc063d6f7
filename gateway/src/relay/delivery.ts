import type { LedgerClock } from '../metering/ledger-clock.ts'
import type { ClientStream } from './client-stream.ts'

/** Bytes kept back before the first output: far more than any provider's preamble. */
const MOST_EARLY_BYTES = 1024 * 1024

/** What of an answer goes to the client: nothing before its first output, so that until then an error has a true status. */
export class Delivery {
  readonly #stream: ClientStream
  readonly #clock: LedgerClock
  readonly #began: () => void
  readonly #early: Buffer[] = []
  #earlyBytes = 0
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

  /** Whether so much has come without any output that no more of it is to be kept. */
  get isOverfull(): boolean {
    return this.#earlyBytes > MOST_EARLY_BYTES
  }

  /** Sends bytes, or keeps them back while there has been no output. False while the client is slower than they come. */
  pass(bytes: Buffer, output: boolean): boolean {
    if (bytes.length === 0) return true
    this.#early.push(bytes)
    this.#earlyBytes += bytes.length
    if (!output) return true
    if (!this.#firstOutputAt) {
      this.#firstOutputAt = this.#clock.now()
      this.#began()
    }
    const all = this.#early.length === 1 ? bytes : Buffer.concat(this.#early)
    this.#early.length = 0
    this.#earlyBytes = 0
    return this.#stream.write(all)
  }
}
