import { parseArgs } from 'node:util'
import { randomInt } from 'node:crypto'

/** How long and how hard. Lengths are in ms. */
export interface ChaosOptions {
  readonly seed: number
  /** Requests that are admitted before it ends. */
  readonly requests: number
  readonly clients: number
  /** Tokens of the longest answers. */
  readonly longest: number
  readonly gateways: number
  /** `kill -9` of a gateway. */
  readonly kills: number
  /** Gateways put to sleep, for longer than a lease. */
  readonly sleeps: number
  readonly sleepMs: number
  /** Immediate restarts of PostgreSQL. */
  readonly restarts: number
  /** Once, PostgreSQL is away for so long. */
  readonly outageMs: number
  readonly leaseMs: number
  readonly heartbeatMs: number
  /** How long a client waits for an answer, or for more of it. */
  readonly patienceMs: number
}

type Lengths = Omit<ChaosOptions, 'seed'>

const SHORT: Lengths = {
  requests: 4_500,
  clients: 20,
  longest: 70_000,
  gateways: 3,
  kills: 25,
  sleeps: 2,
  sleepMs: 4_500,
  restarts: 3,
  outageMs: 4_500,
  leaseMs: 3_000,
  heartbeatMs: 300,
  patienceMs: 10_000,
}

const FULL: Lengths = {
  ...SHORT,
  requests: 40_000,
  longest: 100_000,
  kills: 400,
  sleeps: 6,
  sleepMs: 90_000,
  restarts: 25,
  outageMs: 90_000,
  leaseMs: 60_000,
  heartbeatMs: 5_000,
  patienceMs: 150_000,
}

/** Reads the command line: `--full`, `--seed N`, and any length by its name, e.g. `--kills 100`. @throws on what it does not know */
export function readOptions(args: readonly string[]): ChaosOptions {
  const names = Object.keys(SHORT) as (keyof Lengths)[]
  const { values } = parseArgs({
    args: [...args],
    options: {
      full: { type: 'boolean', default: false },
      seed: { type: 'string', default: String(randomInt(1, 1_000_000_000)) },
      ...Object.fromEntries(names.map((name) => [name, { type: 'string' as const }])),
    },
  })
  const given = values as Readonly<Record<string, string | boolean | undefined>>
  const lengths = Object.fromEntries(
    names.map((name) => {
      const asked = given[name]
      return [name, asked === undefined ? (given['full'] ? FULL : SHORT)[name] : count(name, asked)]
    }),
  ) as unknown as Lengths
  return { ...lengths, seed: count('seed', given['seed']) }
}

function count(name: string, asked: string | boolean | undefined): number {
  const value = Number(asked)
  if (!Number.isSafeInteger(value) || value < 0) throw new Error(`--${name} takes a whole number`)
  return value
}
