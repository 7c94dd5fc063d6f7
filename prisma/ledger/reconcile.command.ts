/** `npm run reconcile`: rebuilds every projection from the transfers, prints what disagrees, exits 1 if anything does. */
import { getDatabaseUrl } from '../database-url.ts'
import { formatUsd, nanoUsd } from '../money.ts'
import { withPool } from '../prepare.ts'
import { reconcile } from './reconcile.ts'

try {
  const breaks = await withPool(getDatabaseUrl(), reconcile)
  if (breaks.length === 0)
    console.log('The books are right: every projection is what its transfers make it.')
  else {
    console.table(
      breaks.map(({ check, subject, expected, found }) => ({
        check,
        subject,
        'expected $': formatUsd(nanoUsd(expected)),
        'found $': formatUsd(nanoUsd(found)),
      })),
    )
    process.exitCode = 1
  }
} catch (error) {
  console.error((error as Error).message)
  process.exitCode = 1
}
