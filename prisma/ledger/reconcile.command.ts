/** `npm run reconcile`: rebuilds every projection from the transfers, prints what disagrees, exits 1 if anything does. */
import { createPool } from '../database.ts'
import { getDatabaseUrl } from '../database-url.ts'
import { formatUsd, nanoUsd } from '../money.ts'
import { reconcile } from './reconcile.ts'

const STATEMENT_TIMEOUT_MS = 60_000

try {
  const database = createPool(getDatabaseUrl(), {
    max: 1,
    applicationName: 'smartoken-reconcile',
    statementTimeoutMs: STATEMENT_TIMEOUT_MS,
  })
  const breaks = await reconcile(database).finally(() => database.end())
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
