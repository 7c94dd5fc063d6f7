import { Samples } from '../samples.ts'
import { type Bed, makeBed } from './bed.ts'
import { holdTimes, insertTimes } from './neighbours.ts'
import { batchedRate, exportedRate, transactionRate } from './rates.ts'
import { LOADS, TROUBLES, WALLETS } from './conditions.ts'
import { printExport, printNeighbours, printRates } from './tables.ts'

export interface Lengths {
  readonly rounds: number
  readonly roundMs: number
  readonly exportMs: number
}

/** Measures in rounds, so that what the machine does meanwhile falls on all alike, then prints medians and ratios. */
export async function benchLedger({ rounds, roundMs, exportMs }: Lengths): Promise<void> {
  const bed = await makeBed()
  const samples = new Samples()
  try {
    await batchedRate(bed, WALLETS[0], roundMs) // warms what is compiled and cached
    for (let round = 1; round <= rounds; round += 1) {
      process.stderr.write(`Round ${round} of ${rounds}\n`)
      await measureRates(bed, samples, roundMs)
      for (const perSecond of LOADS) await measureNeighbours(bed, samples, perSecond, roundMs)
    }
    samples.add('exported', await exportedRate(bed, exportMs))
    samples.add('unexported', await batchedRate(bed, 1, exportMs))
    printRates(samples)
    printNeighbours(samples)
    printExport(samples, exportMs)
  } finally {
    await bed.close()
  }
}

async function measureRates(bed: Bed, samples: Samples, ms: number): Promise<void> {
  for (const wallets of WALLETS) {
    samples.add(`batched, ${wallets}`, await batchedRate(bed, wallets, ms))
    samples.add(`transactions, ${wallets}`, await transactionRate(bed, wallets, ms))
  }
}

async function measureNeighbours(
  bed: Bed,
  samples: Samples,
  perSecond: number,
  ms: number,
): Promise<void> {
  samples.add(`insert, ${perSecond}, p50`, await insertTimes(bed, perSecond, ms))
  for (const trouble of TROUBLES) {
    const { p50, p99 } = await holdTimes(bed, trouble, { perSecond, ms })
    samples.add(`${trouble}, ${perSecond}, p50`, p50)
    samples.add(`${trouble}, ${perSecond}, p99`, p99)
  }
}
