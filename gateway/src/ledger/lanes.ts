import { setTimeout as pause } from 'node:timers/promises'
import type { Batch, BatchAnswers } from '@smartoken/prisma/ledger'
import type { Answer, Entry } from './entry.ts'
import { batchOf, Lane } from './lane.ts'
import { isLockTimeout, LedgerConnection } from './ledger-connection.ts'

/** The slow lane waits so long for locked wallets before it serves those that are free. */
const LOCK_WAIT_MS = 250
const BUSY_PAUSE_MS = 25
/** An account with so many calls waiting is a crowd. */
const CROWD = 10
/** Others are about for so long after their last call. */
const ABOUT_MS = 1_000

export interface LanesOptions {
  readonly databaseUrl: string
  /** The lease holds are opened under. */
  readonly epoch: () => bigint
  readonly answered: (entry: Entry, answer: Answer) => void
  /** Takes a call that raises all alone. */
  readonly poisoned: (entry: Entry, error: Error) => void
  /** Told of every batch that went unanswered. */
  readonly unanswered: (error: Error) => void
  /** Told of every batch: its lane, its size, how long it took. */
  readonly sent: (lane: LaneName, calls: number, ms: number, answered: boolean) => void
}

export type LaneName = 'fast' | 'crowded' | 'slow'

/**
 * Three ways to the database, so that no account's trouble is another's. Calls take the fast lane, which skips wallets
 * that another session has locked; those go to the slow lane, which waits for them. An account that is a crowd has the
 * crowded lane to itself, and while others are about leaves them half of the time.
 */
export class Lanes {
  readonly #options: LanesOptions
  readonly #fast: Lane
  readonly #crowded: Lane
  readonly #slow: Lane
  /** Accounts whose wallets have been locked for longer than the slow lane waits. */
  readonly #locked = new Set<string>()
  #fastAt = Number.NEGATIVE_INFINITY

  constructor(options: LanesOptions) {
    this.#options = options
    this.#fast = this.#quickLane('fast')
    this.#crowded = this.#quickLane('crowded', () => performance.now() - this.#fastAt < ABOUT_MS)
    this.#slow = this.#slowLane()
  }

  push(entry: Entry): void {
    const lane = this.#laneOf(entry.row.accountId)
    if (lane === this.#fast) this.#fastAt = performance.now()
    lane.push(entry)
  }

  /** Calls that wait for this account's turn. */
  waitingOf(accountId: string): number {
    return this.#laneOf(accountId).queue.waitingOf(accountId)
  }

  /** Lets go of the connections. */
  close(): void {
    for (const lane of [this.#fast, this.#crowded, this.#slow]) lane.close()
  }

  #laneOf(accountId: string): Lane {
    if (this.#locked.has(accountId)) return this.#slow
    const isCrowd = this.#fast.queue.waitingOf(accountId) >= CROWD
    return isCrowd || this.#crowded.has(accountId) ? this.#crowded : this.#fast
  }

  #quickLane(name: LaneName, yields: () => boolean = () => false): Lane {
    const { databaseUrl, epoch, answered, poisoned, unanswered, sent } = this.#options
    const connection = new LedgerConnection(databaseUrl)
    return new Lane({
      connection,
      send: (entries) => connection.run(batchOf(entries, epoch()), false),
      answered,
      busy: (entries) => entries.forEach((entry) => this.#slow.push(entry)),
      poisoned,
      unanswered,
      sent: (...batch) => sent(name, ...batch),
      yields,
    })
  }

  #slowLane(): Lane {
    const { databaseUrl, epoch, answered, poisoned, unanswered, sent } = this.#options
    const connection = new LedgerConnection(databaseUrl, LOCK_WAIT_MS)
    return new Lane({
      connection,
      send: (entries) => runWaiting(connection, batchOf(entries, epoch())),
      answered: (entry, answer) => {
        this.#locked.delete(entry.row.accountId)
        answered(entry, answer)
      },
      busy: async (entries) => {
        for (const { row } of entries) this.#locked.add(row.accountId)
        this.#slow.queue.putBack(entries)
        await pause(BUSY_PAUSE_MS)
      },
      poisoned,
      unanswered,
      sent: (...batch) => sent('slow', ...batch),
      yields: () => false,
    })
  }
}

/** What waits for locked wallets holds up what is free: after a while, that goes first. */
async function runWaiting(connection: LedgerConnection, batch: Batch): Promise<BatchAnswers> {
  try {
    return await connection.run(batch, true)
  } catch (error) {
    if (!isLockTimeout(error)) throw error
    return connection.run(batch, false)
  }
}
