import { setTimeout as wait } from 'node:timers/promises'
import type { RestartablePostgres } from '../support/restartable-postgres.ts'
import type { Gateways } from './gateways.ts'
import type { ChaosOptions } from './options.ts'
import type { Random } from './random.ts'

type Fault = 'kill' | 'sleep' | 'restart' | 'outage'

/** What has been done so far. */
export type FaultCounts = Record<Fault, number>

interface FaultsUse {
  readonly options: ChaosOptions
  readonly random: Random
  readonly gateways: Gateways
  readonly postgres: RestartablePostgres
  /** Requests admitted so far. */
  readonly progress: () => number
  readonly signal: AbortSignal
}

/**
 * Does all that is asked for in an order of its own, evenly spread over the requests. What takes long goes on beside
 * what comes next; resolves when all of it is over.
 */
export async function runFaults(use: FaultsUse, done: FaultCounts): Promise<void> {
  const { options, random, signal } = use
  const order = random.shuffle<Fault>([
    ...Array<Fault>(options.kills).fill('kill'),
    ...Array<Fault>(options.sleeps).fill('sleep'),
    ...Array<Fault>(options.restarts).fill('restart'),
    ...Array<Fault>(options.outageMs > 0 ? 1 : 0).fill('outage'),
  ])
  const running: Promise<void>[] = []
  for (const [at, fault] of order.entries()) {
    const turn = ((at + 1) * options.requests) / (order.length + 1)
    while (!signal.aborted && (use.progress() < turn || !isPossible(use, fault))) await wait(20)
    if (signal.aborted) break
    const name = random.fork(`${fault} ${done[fault]}`)
    done[fault] += 1
    running.push(bring(use, fault, name))
  }
  await Promise.all(running)
}

const isPossible = ({ gateways, postgres }: FaultsUse, fault: Fault): boolean =>
  fault === 'kill' || fault === 'sleep' ? gateways.hasVictim : postgres.up

async function bring({ options, gateways, postgres }: FaultsUse, fault: Fault, random: Random) {
  switch (fault) {
    case 'kill':
      return gateways.killOne(random)
    case 'sleep':
      return gateways.sleepOne(random, options.sleepMs)
    case 'restart':
      await postgres.crash()
      return postgres.recover()
    case 'outage':
      await postgres.crash()
      await wait(options.outageMs)
      return postgres.recover()
  }
}
