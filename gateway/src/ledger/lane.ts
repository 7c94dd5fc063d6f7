import { setTimeout as pause } from 'node:timers/promises'
import type { Batch, BatchAnswers } from '@smartoken/prisma/ledger'
import type { Answer, Entry } from './entry.ts'
import { FairQueue } from './fair-queue.ts'
import { isOfRow, type LedgerConnection } from './ledger-connection.ts'

/** A hundred pairs of hold and settle. Larger batches are no faster, and each call of one waits for all of it. */
const MOST_ENTRIES = 200
/** As many while it yields: what they take of a core, others do not get. */
const YIELDING_ENTRIES = 30
const BACKOFF_MS = [20, 50, 100, 200, 500]

export interface LaneOptions {
  readonly connection: LedgerConnection
  /** Runs a batch on the connection. */
  readonly send: (entries: readonly Entry[]) => Promise<BatchAnswers>
  readonly answered: (entry: Entry, answer: Answer) => void
  /** Takes calls whose wallet another session has locked; the lane goes on when it is done. */
  readonly busy: (entries: readonly Entry[]) => Promise<void> | void
  /** Takes a call that raises all alone. */
  readonly poisoned: (entry: Entry, error: Error) => void
  /** Told of every batch that went unanswered. */
  readonly unanswered: (error: Error) => void
  /** Told of every batch and how long it took, ms. */
  readonly sent: (calls: number, ms: number, answered: boolean) => void
  /** Whether others need the database more: then batches are small, and after each it rests as long as that took. */
  readonly yields: () => boolean
}

/**
 * Natural batching: one batch is in flight, and whatever arrives meanwhile is the next. At low load a call is one
 * round trip; under load batches grow by themselves.
 */
export class Lane {
  readonly queue = new FairQueue()
  readonly #options: LaneOptions
  #running = false
  #failures = 0
  /** What the database has and has not answered. */
  #inFlight: readonly Entry[] = []

  constructor(options: LaneOptions) {
    this.#options = options
  }

  /** Whether calls of this account wait or are in flight. */
  has(accountId: string): boolean {
    return (
      this.queue.waitingOf(accountId) > 0 ||
      this.#inFlight.some(({ row }) => row.accountId === accountId)
    )
  }

  push(entry: Entry): void {
    this.queue.push(entry)
    if (!this.#running) void this.#run()
  }

  /** Lets go of its connection. */
  close(): void {
    this.#options.connection.drop()
  }

  async #run(): Promise<void> {
    this.#running = true
    let batch = this.#sendNext()
    while (batch) {
      const answers = await batch.answers
      const yields = this.#options.yields()
      // The next batch goes out before these answers are given, so that the database does not wait for us.
      const next = answers instanceof Error || yields ? undefined : this.#sendNext()
      await this.#conclude(batch.entries, answers)
      if (yields) await pause(performance.now() - batch.sentAt)
      batch = next ?? this.#sendNext()
    }
    this.#running = false
  }

  #sendNext() {
    const entries = this.queue.take(this.#options.yields() ? YIELDING_ENTRIES : MOST_ENTRIES)
    this.#inFlight = entries
    if (entries.length === 0) return undefined
    return { entries, sentAt: performance.now(), answers: this.#send(entries) }
  }

  async #send(entries: readonly Entry[]): Promise<BatchAnswers | Error> {
    for (const entry of entries) entry.sent = true
    const sentAt = performance.now()
    const answers = await this.#options.send(entries).catch((error: Error) => error)
    const answered = !(answers instanceof Error)
    this.#options.sent(entries.length, performance.now() - sentAt, answered)
    return answers
  }

  async #conclude(entries: readonly Entry[], answers: BatchAnswers | Error): Promise<void> {
    if (answers instanceof Error) return this.#recover(entries, answers)
    this.#failures = 0
    await this.#deliver(entries, answers)
  }

  async #deliver(entries: readonly Entry[], answers: BatchAnswers): Promise<void> {
    const found = {
      settle: byRequest(answers.settlements),
      renew: byRequest(answers.renewals),
      open: byRequest(answers.requests),
    }
    const busy: Entry[] = []
    for (const entry of entries) {
      const answer = found[entry.name].get(entry.row.requestId)!
      if (isBusy(answer)) busy.push(entry)
      else this.#options.answered(entry, answer)
    }
    if (busy.length > 0) await this.#options.busy(busy)
  }

  /** Replays what went unanswered; halves what raises, until the bad call is alone and the rest are done. */
  async #recover(entries: readonly Entry[], error: Error): Promise<void> {
    if (!isOfRow(error)) return this.#retry(entries, error)
    if (entries.length === 1) return this.#options.poisoned(entries[0]!, error)
    const middle = Math.ceil(entries.length / 2)
    for (const half of [entries.slice(0, middle), entries.slice(middle)])
      await this.#conclude(half, await this.#send(half))
  }

  async #retry(entries: readonly Entry[], error: Error): Promise<void> {
    this.#options.connection.drop()
    this.#options.unanswered(error)
    this.queue.putBack(entries)
    await pause(BACKOFF_MS[Math.min(this.#failures, BACKOFF_MS.length - 1)])
    this.#failures += 1
  }
}

const byRequest = <One extends Answer>(answers: readonly One[]): ReadonlyMap<string, One> =>
  new Map(answers.map((answer) => [answer.requestId, answer]))

const isBusy = (answer: Answer): boolean =>
  ('outcome' in answer ? answer.outcome : answer.verdict) === 'busy'

/** The rows of a batch, by call. */
export function batchOf(entries: readonly Entry[], epoch: bigint): Batch {
  return {
    settlements: entries.flatMap((entry) => (entry.name === 'settle' ? [entry.row] : [])),
    renewals: entries.flatMap((entry) => (entry.name === 'renew' ? [entry.row] : [])),
    requests: entries.flatMap((entry) => (entry.name === 'open' ? [{ ...entry.row, epoch }] : [])),
  }
}
