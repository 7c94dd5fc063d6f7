import { formatUsd, nanoUsd } from '@smartoken/prisma/money'
import { deliveredPrice, dueOf, exactPrice, type Case } from './truth.ts'

/** What became of the money of all requests with one outcome. nUSD. */
interface Sums {
  requests: number
  /** The price of what the upstream generated. */
  used: bigint
  /** The price, by count, of what reached the clients. */
  delivered: bigint
  charged: bigint
  excused: bigint
  shortfall: bigint
  /** What reached the clients and is in no book. */
  lost: bigint
}

const nothing = (): Sums => ({
  requests: 0,
  used: 0n,
  delivered: 0n,
  charged: 0n,
  excused: 0n,
  shortfall: 0n,
  lost: 0n,
})

/** The house's loss by outcome, and in all. */
export function lossesOf(cases: readonly Case[]): Map<string, Sums> {
  const sums = new Map<string, Sums>()
  for (const one of cases) {
    if (!one.row) continue
    for (const name of [one.row.outcome, 'all']) {
      const sum = sums.get(name) ?? nothing()
      sums.set(name, sum)
      add(sum, one)
    }
  }
  return sums
}

function add(sum: Sums, one: Case): void {
  const row = one.row!
  sum.requests += 1
  sum.used += exactPrice(one)
  sum.delivered += deliveredPrice(one)
  sum.charged += row.charge
  sum.excused += row.excused
  sum.shortfall += row.shortfall
  sum.lost += lostOf(one)
}

/** What reached the client and is in no book, nUSD. Reported usage is what it is, also where a cached prompt makes it cost less than a count of it. */
function lostOf(one: Case): bigint {
  const { row } = one
  if (!row || row.usageSource === 'provider') return 0n
  const delivered = deliveredPrice(one)
  const due = dueOf(row)
  return delivered > due ? delivered - due : 0n
}

/** Where most was lost. */
export const largestLosses = (cases: readonly Case[], most: number): Case[] =>
  cases
    .map((one) => ({ one, lost: lostOf(one) }))
    .filter(({ lost }) => lost > 0n)
    .toSorted((left, right) => (left.lost > right.lost ? -1 : 1))
    .slice(0, most)
    .map(({ one }) => one)

/** How much of what was delivered is charged or excused by rule, in hundredths of a percent. */
export const coverage = ({ delivered, shortfall, lost }: Sums): number =>
  delivered === 0n ? 10_000 : Number(((delivered - shortfall - lost) * 10_000n) / delivered)

/** The losses as a table to print. */
export const lossTable = (losses: ReadonlyMap<string, Sums>): object[] =>
  [...losses]
    .toSorted(([one], [other]) => Number(one === 'all') - Number(other === 'all'))
    .map(([outcome, { requests, ...amounts }]) => ({
      outcome,
      requests,
      ...Object.fromEntries(
        Object.entries(amounts).map(([name, amount]) => [`${name} $`, formatUsd(nanoUsd(amount))]),
      ),
    }))
