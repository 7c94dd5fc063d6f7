import type { Samples } from '../samples.ts'
import { LOADS, TROUBLES, WALLETS } from './conditions.ts'

export const printRates = (samples: Samples): void =>
  console.table(
    WALLETS.map((wallets) => {
      const batched = samples.of(`batched, ${wallets}`)
      const transactions = samples.of(`transactions, ${wallets}`)
      return {
        wallets,
        'pairs/s, batched': Math.round(batched),
        'pairs/s, one a transaction': Math.round(transactions),
        ratio: (batched / transactions).toFixed(1),
      }
    }),
  )

export const printNeighbours = (samples: Samples): void =>
  console.table(
    LOADS.flatMap((perSecond) =>
      TROUBLES.map((trouble) => {
        const [p50, p99] = [
          samples.of(`${trouble}, ${perSecond}, p50`),
          samples.of(`${trouble}, ${perSecond}, p99`),
        ]
        return {
          'holds/s': perSecond,
          'beside them': trouble,
          'one committed row, p50 ms': samples.of(`insert, ${perSecond}, p50`).toFixed(1),
          'hold, p50 ms': p50.toFixed(1),
          'p99 ms': p99.toFixed(1),
          'p99 / quiet': (p99 / samples.of(`quiet, ${perSecond}, p99`)).toFixed(2),
        }
      }),
    ),
  )

export function printExport(samples: Samples, ms: number): void {
  const kept = samples.of('exported') / samples.of('unexported')
  console.log(
    `A hot wallet keeps ${(kept * 100).toFixed(0)} % of its rate under an export of ${ms / 1_000} s.`,
  )
}
