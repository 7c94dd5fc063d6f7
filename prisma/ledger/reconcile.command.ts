/**
 * `npm run reconcile -- [--dry-run] [--metrics <file>]`: rebuilds every projection from the transfers, prints what was
 * compared and earned, freezes the accounts whose books do not agree (not with --dry-run), exits 1 if any do not.
 */
import { parseArgs } from 'node:util'
import type { Pool } from '../database.ts'
import { getDatabaseUrl } from '../database-url.ts'
import { formatUsd, nanoUsd } from '../money.ts'
import { withPool } from '../prepare.ts'
import { freezeAccounts } from './freeze.ts'
import { marginsBy } from './margins.ts'
import { audit, type Report } from './reconcile.ts'
import { writeMetrics } from './reconcile-metrics.ts'

try {
  const { values } = parseArgs({
    options: { 'dry-run': { type: 'boolean', default: false }, metrics: { type: 'string' } },
  })
  const agree = await withPool(getDatabaseUrl(), async (pool) => {
    const report = await audit(pool)
    printReport(report)
    if (values.metrics) await writeMetrics(values.metrics, report, new Date())
    if (!values['dry-run']) await freeze(pool, report)
    return report.breaks.length === 0
  })
  process.exitCode = agree ? 0 : 1
} catch (error) {
  console.error((error as Error).message)
  process.exitCode = 1
}

async function freeze(pool: Pool, { breaks }: Report): Promise<void> {
  const frozen = await freezeAccounts(pool, breaks)
  if (frozen.length > 0) console.log(`Frozen: ${frozen.join(', ')}`)
}

function printReport({ compared, breaks, margins }: Report): void {
  console.table(
    [...compared].map(([check, rows]) => ({
      check,
      rows: String(rows),
      breaks: breaks.filter((found) => found.check === check).length,
    })),
  )
  console.table(
    marginsBy('route', margins).map(({ route, requests, revenue, cost }) => ({
      route,
      requests: String(requests),
      'revenue $': dollars(revenue),
      'cost $': dollars(cost),
      'margin $': dollars(revenue - cost),
    })),
  )
  console.table(
    marginsBy('outcome', margins).map(({ outcome, requests, revenue, cost, ...loss }) => ({
      outcome,
      requests: String(requests),
      'margin $': dollars(revenue - cost),
      'shortfall $': dollars(loss.shortfall),
      'excused $': dollars(loss.excused),
    })),
  )
  if (breaks.length === 0)
    console.log('The books are right: every projection is what its transfers make it.')
  else console.table(breaks.map(({ expected, found, ...where }) => ({ ...where, expected, found })))
}

function dollars(amount: bigint): string {
  return formatUsd(nanoUsd(amount))
}
