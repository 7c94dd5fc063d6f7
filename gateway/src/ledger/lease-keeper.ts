import { endLease, LEASE_MS, openLease, renewLease, sweep } from '@smartoken/prisma/ledger'
import type { Pool } from '@smartoken/prisma/database'
import type { Logger } from 'pino'
import { causeText } from '../telemetry/cause-text.ts'
import type { Telemetry } from '../telemetry/telemetry.ts'
import type { Contact } from './contact.ts'

export const HEARTBEAT_MS = 5_000

export interface LeaseOptions {
  readonly database: Pool
  readonly log: Logger
  readonly telemetry: Telemetry
  /** As an operator knows it. */
  readonly process: string
  /** Without a heartbeat for so long, a process is taken for dead. */
  readonly leaseMs?: number
  readonly heartbeatMs?: number
  /** Told of every heartbeat, whether it found the database. */
  readonly contact: Contact
  /** Done at every heartbeat that finds the database up. */
  readonly housekeeping: (epoch: bigint) => Promise<void>
}

/**
 * Keeps this process's lease and sweeps up after those that lost theirs. It sweeps only after it has seen the database
 * up for a whole lease, without a gap of its own: until then, whoever is silent may just have been unable to speak.
 */
export class LeaseKeeper {
  readonly #options: LeaseOptions
  readonly #heartbeatMs: number
  readonly #leaseMs: number
  #epoch: bigint
  #upSince: number | undefined
  #beatAt = 0
  #confirmedAt = performance.now()
  #closed = false
  #timer: NodeJS.Timeout | undefined
  #beating: Promise<void> | undefined

  static async open(options: LeaseOptions): Promise<LeaseKeeper> {
    const keeper = new LeaseKeeper(options, await openLease(options.database, options.process))
    keeper.#schedule()
    return keeper
  }

  private constructor(options: LeaseOptions, epoch: bigint) {
    this.#options = options
    this.#epoch = epoch
    this.#leaseMs = options.leaseMs ?? LEASE_MS
    this.#heartbeatMs = options.heartbeatMs ?? HEARTBEAT_MS
  }

  get epoch(): bigint {
    return this.#epoch
  }

  /** Whether it is still held, as far as can be known here: nobody may take us for dead yet. */
  get isHeld(): boolean {
    return performance.now() - this.#confirmedAt < this.#leaseMs
  }

  /** Makes sure that there is a lease: renews it or, where it was given up, opens another. */
  async confirm(): Promise<void> {
    const { database, process, telemetry } = this.#options
    const askedAt = performance.now()
    if (!(await renewLease(database, this.#epoch))) {
      telemetry.alert('lease_lost', { epoch: this.#epoch })
      this.#epoch = await openLease(database, process)
    }
    this.#confirmedAt = askedAt
  }

  /** Gives the lease back. What is still held under it is the sweeper's. */
  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#timer)
    await this.#beating
    await endLease(this.#options.database, this.#epoch).catch(() => {})
  }

  #schedule(): void {
    if (this.#closed) return
    this.#timer = setTimeout(() => {
      this.#beating = this.#beat().finally(() => this.#schedule())
    }, this.#heartbeatMs).unref()
  }

  async #beat(): Promise<void> {
    const { contact, housekeeping, log } = this.#options
    const now = performance.now()
    const paused = now - this.#beatAt > 3 * this.#heartbeatMs
    this.#beatAt = now
    try {
      await this.confirm()
      contact.heard()
      if (paused) this.#upSince = undefined
      this.#upSince ??= now
      if (now - this.#upSince >= this.#leaseMs) await this.#sweep()
      await housekeeping(this.#epoch)
    } catch (error) {
      this.#upSince = undefined
      contact.failed()
      log.warn({ cause: causeText(error) }, 'no heartbeat')
    }
  }

  async #sweep(): Promise<void> {
    const { database, telemetry } = this.#options
    const { epochs, requests } = await sweep(database, { leaseMs: this.#leaseMs })
    if (epochs + requests > 0n) telemetry.alert('requests_swept', { epochs, requests })
  }
}
