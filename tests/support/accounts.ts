import { newId } from '@smartoken/prisma/ids'
import { newSecret } from '@smartoken/prisma/keys'
import { credit, type Queryable } from '@smartoken/prisma/ledger'
import { usd } from '@smartoken/prisma/money'

export interface TestAccount {
  readonly accountId: string
  readonly apiKeyId: string
  readonly secret: string
}

/** A new account with one key and, if asked, paid money: each test has its own. */
export async function createAccount(
  database: Queryable,
  { balance }: { balance?: string } = {},
): Promise<TestAccount> {
  const accountId = newId('account')
  const apiKeyId = newId('apiKey')
  const { secret, hash, hint } = newSecret()
  await database.query('insert into account (id, email, name) values ($1, $2, $3)', [
    accountId,
    `${accountId}@example.com`,
    'Test',
  ])
  await database.query('insert into wallet (account_id) values ($1)', [accountId])
  await database.query(
    'insert into api_key (id, account_id, name, secret_hash, hint) values ($1, $2, $3, $4, $5)',
    [apiKeyId, accountId, 'test', hash, hint],
  )
  if (balance) {
    await credit(database, [
      {
        ref: `top-up:${accountId}`,
        kind: 'top_up',
        source: 'cash_in:test',
        accountId,
        amount: usd(balance),
        withdrawable: true,
      },
    ])
  }
  return { accountId, apiKeyId, secret }
}
