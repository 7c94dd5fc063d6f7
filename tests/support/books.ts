import { credit, openHolds, settleHolds, type Queryable } from '@smartoken/prisma/ledger'
import { nanoUsd, usd } from '@smartoken/prisma/money'
import { holdOf, settlementOf } from './holds.ts'
import type { TestAccount } from './accounts.ts'

/** Promo money of a campaign for an account; returns its lot. */
export async function givePromo(
  database: Queryable,
  { accountId }: TestAccount,
  lot: { campaign: string; amount: string; expiresAt?: Date; withdrawable?: boolean },
): Promise<string> {
  const [answer] = await credit(database, [
    {
      ref: `${lot.campaign}:${accountId}`,
      kind: 'promo',
      source: 'promo_expense',
      accountId,
      withdrawable: false,
      ...lot,
      amount: usd(lot.amount),
    },
  ])
  return answer!.lotId
}

/** A request of the account that is held and charged so much; returns its id. */
export async function spend(
  database: Queryable,
  account: TestAccount,
  due: string,
): Promise<string> {
  const hold = holdOf(account, { amount: usd(due) })
  await openHolds(database, [hold])
  const [answer] = await settleHolds(database, [settlementOf(hold, { due: usd(due) })])
  if (answer?.charge !== usd(due)) throw new Error(`${answer?.charge} was charged, not ${due}`)
  return hold.requestId
}

/** What is left in the account's lots, by campaign; `paid` for paid money. */
export async function lotsOf(
  database: Queryable,
  { accountId }: TestAccount,
): Promise<Record<string, bigint>> {
  const { rows } = await database.query<{ name: string; remaining: bigint }>(
    `select coalesce(campaign, 'paid') as name, remaining from lot where account_id = $1`,
    [accountId],
  )
  return Object.fromEntries(rows.map(({ name, remaining }) => [name, nanoUsd(remaining)]))
}

export interface WalletRow {
  readonly posted: bigint
  readonly held: bigint
}

export async function walletOf(
  database: Queryable,
  { accountId }: TestAccount,
): Promise<WalletRow> {
  const { rows } = await database.query<WalletRow>(
    'select posted, held from wallet where account_id = $1',
    [accountId],
  )
  return rows[0]!
}
