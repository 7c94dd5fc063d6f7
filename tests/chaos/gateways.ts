import { setTimeout as wait } from 'node:timers/promises'
import {
  startGatewayProcess,
  type GatewayProcess,
  type GatewayProcessOptions,
} from '../support/gateway-process.ts'
import type { Random } from './random.ts'

/** A client, or a balancer before it, avoids a gateway so long after it stopped answering. */
const NOTICED_MS = 500

interface Slot {
  process: GatewayProcess | undefined
  /** Whether it is being done something to. */
  taken: boolean
  /** Whether clients send their requests elsewhere. */
  avoided: boolean
}

/** The gateways of a run, and what can be done to them. */
export class Gateways {
  readonly #slots: readonly Slot[]
  readonly #options: GatewayProcessOptions
  #closed = false
  /** Gateways that ended without having been killed. */
  crashes = 0
  /** Pids of those that were killed or put to sleep: only they may be taken for dead. */
  readonly harmed = new Set<number>()

  static async start(size: number, options: GatewayProcessOptions): Promise<Gateways> {
    const gateways = new Gateways(size, options)
    await Promise.all(gateways.#slots.map((slot) => gateways.#start(slot)))
    return gateways
  }

  private constructor(size: number, options: GatewayProcessOptions) {
    this.#options = options
    this.#slots = Array.from({ length: size }, () => ({
      process: undefined,
      taken: false,
      avoided: true,
    }))
  }

  /** Where a client sends its next request; undefined while there is no gateway. */
  pick(random: Random): string | undefined {
    const open = this.#slots.filter(({ avoided }) => !avoided)
    return open.length > 0 ? random.pick(open).process?.url : undefined
  }

  /** Kills one, at once also for those that are sleeping, and starts another in its place a while later. */
  async killOne(random: Random): Promise<void> {
    const slot = this.#victim(random)
    await slot.process!.kill()
    slot.avoided = true
    await wait(random.between(0, 1_500))
    await this.#start(slot)
  }

  /** Suspends one for so long. */
  async sleepOne(random: Random, ms: number): Promise<void> {
    const slot = this.#victim(random)
    slot.process!.pause()
    await wait(Math.min(NOTICED_MS, ms))
    slot.avoided = true
    await wait(ms - Math.min(NOTICED_MS, ms))
    slot.process?.resume()
    slot.avoided = false
    slot.taken = false
  }

  /** Whether there is one to do something to. */
  get hasVictim(): boolean {
    return this.#slots.some(({ taken }) => !taken)
  }

  /** Lets them finish what they have begun. */
  async stop(): Promise<void> {
    this.#closed = true
    await Promise.all(this.#slots.map(async ({ process }) => process?.stop()))
  }

  /** Ends all of them, however they are. */
  async kill(): Promise<void> {
    this.#closed = true
    await Promise.all(this.#slots.map(async ({ process }) => process?.kill()))
  }

  /** The first is spared mostly: one has to live for longer than a lease to sweep up after the others. */
  #victim(random: Random): Slot {
    const free = this.#slots.filter(({ taken }) => !taken)
    const others = free.filter((slot) => slot !== this.#slots[0])
    const slot = random.pick(others.length > 0 && random.perMille(950) ? others : free)
    slot.taken = true
    this.harmed.add(slot.process!.pid)
    return slot
  }

  /** One that is being killed is taken; any other should not have ended. */
  #ended(slot: Slot, process: GatewayProcess): void {
    if (this.#closed || slot.taken || slot.process !== process) return
    this.crashes += 1
    slot.taken = true
    slot.avoided = true
    void this.#start(slot)
  }

  async #start(slot: Slot): Promise<void> {
    while (!this.#closed) {
      // While the database is away a gateway cannot start, and whoever runs it tries again.
      const started = await startGatewayProcess(this.#options, 'inherit').catch(() => undefined)
      slot.process = started
      if (started) {
        void started.ended.then(() => this.#ended(slot, started))
        break
      }
      await wait(200)
    }
    if (this.#closed) await slot.process?.kill()
    slot.avoided = false
    slot.taken = false
  }
}
