import type { Pool } from '@smartoken/prisma/database'
import { credit } from '@smartoken/prisma/ledger'
import { usd } from '@smartoken/prisma/money'
import { createAccount, type TestAccount } from '../support/accounts.ts'

/** An account of a chaos run. */
export interface ChaosAccount extends TestAccount {
  /** Whether its upstream breaks off nine times out of ten. */
  readonly unlucky: boolean
  /** Whether it never has much: it is refused, and its answers end early. */
  readonly poor: boolean
}

const RICH = 4
const MIXED = 4
const POOR = 2

/** Accounts with much, with promo and paid money, with hardly any, and one without luck. */
export async function openAccounts(database: Pool): Promise<ChaosAccount[]> {
  const accounts: ChaosAccount[] = []
  const open = async (balance: string, more: Partial<ChaosAccount> = {}): Promise<void> => {
    const account = await createAccount(database, { balance })
    accounts.push({ ...account, unlucky: false, poor: false, ...more })
  }
  for (let at = 0; at < RICH; at += 1) await open('5000')
  for (let at = 0; at < MIXED; at += 1) {
    await open('2000')
    await givePromo(database, accounts.at(-1)!, ['0.05', '0.5', '3'])
  }
  for (let at = 0; at < POOR; at += 1) await open('0.05', { poor: true })
  await open('5000', { unlucky: true })
  return accounts
}

/** Promo lots that expire one after the other, long after the run. */
const givePromo = (database: Pool, { accountId }: TestAccount, amounts: readonly string[]) =>
  credit(
    database,
    amounts.map((amount, at) => ({
      ref: `promo-${at}:${accountId}`,
      kind: 'promo',
      source: 'promo_expense',
      accountId,
      amount: usd(amount),
      withdrawable: false,
      campaign: `promo-${at}`,
      expiresAt: new Date(Date.now() + (at + 1) * 86_400_000),
    })),
  )

/** A little money for an account that has hardly any. */
export const topUp = (database: Pool, { accountId }: TestAccount, ref: string) =>
  credit(database, [
    {
      ref,
      kind: 'top_up',
      source: 'cash_in:test',
      accountId,
      amount: usd('0.05'),
      withdrawable: true,
    },
  ])
