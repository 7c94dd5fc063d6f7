import type { BatchingLedger } from '@smartoken/gateway/ledger'
import { openHolds, settleHolds, type Queryable } from '@smartoken/prisma/ledger'
import { usd } from '@smartoken/prisma/money'
import type { TestAccount } from '../../support/accounts.ts'
import { holdOf, settlementOf } from '../../support/holds.ts'

const held = { amount: usd('0.01') }
const due = { due: usd('0.0004') }

/** A hold and its settle as a gateway makes them. Returns how long the hold took, ms. */
export async function batchedPair(ledger: BatchingLedger, account: TestAccount): Promise<number> {
  const asked = holdOf(account, held)
  const began = performance.now()
  const { verdict } = await ledger.open(asked)
  const took = performance.now() - began
  if (verdict !== 'admitted') throw new Error(`a hold of the bench was refused: ${verdict}`)
  await ledger.settle(settlementOf(asked, due))
  return took
}

/** The same pair by the same functions, in a transaction of its own. */
export async function transactionPair(client: Queryable, account: TestAccount): Promise<void> {
  const asked = holdOf(account, held)
  await client.query('begin')
  await openHolds(client, [asked])
  await settleHolds(client, [settlementOf(asked, due)])
  await client.query('commit')
}
