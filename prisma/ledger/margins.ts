import type { Queryable } from './statement.ts'

/** What the requests of one route and outcome came to, nUSD. */
export interface Margin {
  readonly route: string
  readonly outcome: string
  readonly requests: bigint
  /** Charges less refunds. */
  readonly revenue: bigint
  /** What the provider charges us. */
  readonly cost: bigint
  /** Due, and borne by the house: beyond the wallet, or the upstream's fault. */
  readonly shortfall: bigint
  readonly excused: bigint
}

const AMOUNTS = ['requests', 'revenue', 'cost', 'shortfall', 'excused'] as const

/** Sums over pages of accounts. */
export class Margins {
  readonly #sums = new Map<string, Margin>()

  /** Adds the requests of the accounts after `after` up to and with `until`. */
  async add(database: Queryable, after: string, until: string): Promise<void> {
    const { rows } = await database.query<Margin>(
      `select coalesce(route, 'none') as route, outcome, count(*) as requests, sum(charge - refunded)::bigint as revenue,
         sum(cost)::bigint as cost, sum(shortfall)::bigint as shortfall, sum(excused)::bigint as excused
       from request where account_id > $1 and account_id <= $2 group by 1, 2`,
      [after, until],
    )
    for (const row of rows) {
      const key = `${row.route} ${row.outcome}`
      this.#sums.set(key, sum(row, this.#sums.get(key)))
    }
  }

  list(): Margin[] {
    return [...this.#sums.entries()]
      .toSorted(([one], [other]) => (one < other ? -1 : 1))
      .map(([, margin]) => margin)
  }
}

/** The same, summed over everything but `by`. */
export function marginsBy(by: 'route' | 'outcome', margins: readonly Margin[]): Margin[] {
  const sums = new Map<string, Margin>()
  for (const margin of margins) sums.set(margin[by], sum(margin, sums.get(margin[by])))
  return [...sums.values()]
}

const sum = (one: Margin, other: Margin | undefined): Margin =>
  other
    ? {
        ...one,
        ...Object.fromEntries(AMOUNTS.map((amount) => [amount, one[amount] + other[amount]])),
      }
    : one
