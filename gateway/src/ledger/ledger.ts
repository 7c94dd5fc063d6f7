import type {
  HoldAnswer,
  RenewAnswer,
  Renewal,
  SettleAnswer,
  Settlement,
} from '@smartoken/prisma/ledger'
import { Call, type Answer, type Entry, type HoldAsked } from './entry.ts'
import { LedgerCrowded } from './errors.ts'
import { Lanes, type LanesOptions } from './lanes.ts'
import { releaseOf } from './release.ts'
import { RememberedRefusals } from './remembered-refusals.ts'

/** How long a request that is to begin or to go on waits for the ledger. */
const PATIENCE_MS = 1_000
/** Calls of one account that may wait. */
const MOST_WAITING = 2_000
/** The money of this process: calls of one moment go to the database as one batch. */
export interface Ledger {
  /** @throws BillingUnavailable within a second; LedgerCrowded at once */
  open(asked: HoldAsked): Promise<HoldAnswer>
  /** @throws BillingUnavailable within a second */
  renew(renewal: Renewal): Promise<RenewAnswer>
  /** Tries until it is durable. @throws what PostgreSQL says of a row it cannot book, whose account is then frozen */
  settle(settlement: Settlement): Promise<SettleAnswer>
  /** Whether a request is this process's affair: opened or being opened, and not durably settled. */
  isLive(requestId: string): boolean
  /** Lets go of its connections. */
  close(): void
}

export interface LedgerOptions {
  readonly databaseUrl: string
  /** The lease holds are opened under. */
  readonly epoch: () => bigint
  /** Called when holds are refused for want of a lease; resolves when there is another. */
  readonly leaseLost: () => Promise<void>
  /** Called with an account one of whose rows cannot be booked. */
  readonly freeze: (accountId: string, error: Error) => void
  /** Called with every instant read from the database. */
  readonly clock: (read: Date) => void
  /** Called when a batch went unanswered. */
  readonly unanswered: (error: Error) => void
  /** Called with every batch: its lane, how many calls, how long it took, ms. */
  readonly sent: LanesOptions['sent']
}

/** Keeps track of calls on their way to the database and back; {@link Lanes} are the way. */
export class BatchingLedger implements Ledger {
  readonly #options: LedgerOptions
  readonly #refusals = new RememberedRefusals()
  readonly #live = new Set<string>()
  readonly #lanes: Lanes

  constructor(options: LedgerOptions) {
    this.#options = options
    const { databaseUrl, epoch, unanswered, sent } = options
    this.#lanes = new Lanes({
      databaseUrl,
      epoch,
      unanswered,
      sent,
      answered: this.#answered,
      poisoned: this.#poisoned,
    })
  }

  async open(row: HoldAsked): Promise<HoldAnswer> {
    const refused = this.#refusals.find(row)
    if (refused) return refused
    const { accountId, requestId } = row
    if (this.#lanes.waitingOf(accountId) >= MOST_WAITING)
      throw new LedgerCrowded(`${MOST_WAITING} calls of ${accountId} wait already`)
    this.#live.add(requestId)
    const call = new Call('open', row)
    call.abandonAfter(PATIENCE_MS, () => call.sent || this.#live.delete(requestId))
    this.#lanes.push(call)
    return call.answer.promise
  }

  renew(row: Renewal): Promise<RenewAnswer> {
    const call = new Call('renew', row).abandonAfter(PATIENCE_MS)
    this.#lanes.push(call)
    return call.answer.promise
  }

  settle(row: Settlement): Promise<SettleAnswer> {
    const call = new Call('settle', row)
    this.#lanes.push(call)
    return call.answer.promise
  }

  isLive(requestId: string): boolean {
    return this.#live.has(requestId)
  }

  close(): void {
    this.#lanes.close()
  }

  readonly #answered = (entry: Entry, answer: Answer): void => {
    this.#options.clock(answer.clock)
    switch (entry.name) {
      case 'open':
        return this.#opened(entry, answer as HoldAnswer)
      case 'renew':
        return entry.resolve(answer as RenewAnswer)
      case 'settle':
        this.#live.delete(entry.row.requestId)
        return entry.resolve(answer as SettleAnswer)
    }
  }

  #opened(call: Call<'open'>, answer: HoldAnswer): void {
    if (answer.verdict === 'lease_lost' && !call.abandoned) {
      const again = () => this.#lanes.push(call)
      return void this.#options.leaseLost().then(again, again)
    }
    if (answer.verdict !== 'admitted') {
      this.#live.delete(call.row.requestId)
      this.#refusals.remember(call.row, answer)
    } else if (call.abandoned) {
      // Admitted after its caller was refused: given back at once. What cannot be booked is known by its frozen account.
      this.settle(releaseOf(call.row)).catch(() => {})
    }
    call.resolve(answer)
  }

  readonly #poisoned = (entry: Entry, error: Error): void => {
    this.#options.freeze(entry.row.accountId, error)
    entry.reject(error)
  }
}
