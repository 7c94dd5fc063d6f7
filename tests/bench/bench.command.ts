/**
 * `npm run bench`: what the ledger sustains, as ratios of medians over interleaved rounds of one run. `-- --quick` for
 * a look. Everything is on: transfers, lots, limits, caps, request rows, constraints, fsync.
 */
import { parseArgs } from 'node:util'
import { benchLedger } from './ledger/bench.ts'

const { values } = parseArgs({ options: { quick: { type: 'boolean', default: false } } })

await benchLedger(
  values.quick
    ? { rounds: 1, roundMs: 2_000, exportMs: 2_000 }
    : { rounds: 5, roundMs: 5_000, exportMs: 60_000 },
)
