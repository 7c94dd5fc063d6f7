import { setTimeout as wait } from 'node:timers/promises'
import type { Pool } from '@smartoken/prisma/database'
import { topUp, type ChaosAccount } from './accounts.ts'
import { send, type Seen } from './client.ts'
import type { Gateways } from './gateways.ts'
import type { ChaosOptions } from './options.ts'
import { drawPlan, type Plan } from './plan.ts'
import type { Random } from './random.ts'

/** Of so many requests of a poor account, one is preceded by a top-up. */
const TOP_UP_EVERY = 4

interface LoadUse {
  readonly options: ChaosOptions
  readonly random: Random
  readonly gateways: Gateways
  readonly accounts: readonly ChaosAccount[]
  readonly database: Pool
  readonly signal: AbortSignal
}

/** Clients that ask, each one request after the other. */
export class Load {
  readonly plans = new Map<number, Plan>()
  readonly seen: Seen[] = []
  readonly #use: LoadUse
  /** Requests that were answered with a 200. */
  admitted = 0
  #drawn = 0

  constructor(use: LoadUse) {
    this.#use = use
  }

  /** Asks until told to stop; resolves when the last answer is in. */
  async run(): Promise<void> {
    await Promise.all(Array.from({ length: this.#use.options.clients }, () => this.#client()))
  }

  /** Resolves when so many have been admitted. */
  async reaches(requests: number): Promise<void> {
    while (this.admitted < requests) await wait(50)
  }

  async #client(): Promise<void> {
    const { signal } = this.#use
    while (!signal.aborted) {
      const seen = await this.#askOnce()
      // Refused for now, or nobody there: as an SDK does, it waits a little.
      if (seen === undefined || seen.status === undefined || seen.status >= 429) await wait(200)
    }
  }

  async #askOnce(): Promise<Seen | undefined> {
    const { random, gateways, accounts, options, database } = this.#use
    const id = this.#drawn++
    const url = gateways.pick(random.fork(`gateway ${id}`))
    if (url === undefined) return undefined
    const plan = drawPlan(random.fork(id), id, { accounts, longest: options.longest })
    const account = accounts[plan.account]!
    this.plans.set(id, plan)
    // The database may be away: then this time there is no money.
    if (account.poor && id % TOP_UP_EVERY === 0)
      await topUp(database, account, `chaos-${id}`).catch(() => {})
    const { secret } = account
    const seen = await send({ url, secret, patienceMs: options.patienceMs }, plan)
    this.seen.push(seen)
    if (seen.status === 200) this.admitted += 1
    return seen
  }
}
