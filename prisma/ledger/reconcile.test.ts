import type { PoolClient } from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createAccount, type TestAccount } from '../../tests/support/accounts.ts'
import { spend } from '../../tests/support/books.ts'
import { createDatabase, type TestDatabase } from '../../tests/support/database.ts'
import { holdOf, prepareHolds, settlementOf } from '../../tests/support/holds.ts'
import { nanoUsd, usd } from '../money.ts'
import { grantPromo } from './campaign.ts'
import { freezeAccounts } from './freeze.ts'
import { openHolds, type HoldRequest } from './hold.ts'
import { audit, reconcile } from './reconcile.ts'
import { refund } from './refund.ts'
import { settleHolds } from './settle.ts'
import type { Queryable } from './statement.ts'

let database: TestDatabase
let account: TestAccount
let requestId: string
let open: HoldRequest
/** In a transaction that is rolled back: nothing a test breaks outlives it. */
let client: PoolClient

/** An account with every kind of row: a grant, a charge with a refund, an open hold, a request the house paid for. */
async function busyAccount(): Promise<void> {
  account = await createAccount(database.pool, { balance: '1' })
  await grantPromo(database.pool, [{ campaign: 'welcome', accountId: account.accountId }])
  requestId = await spend(database.pool, account, '0.3')
  const { accountId } = account
  await refund(database.pool, [
    { ref: `${requestId}:support`, requestId, accountId, amount: usd('0.1') },
  ])
  const beyond = holdOf(account)
  open = holdOf(account, { amount: usd('0.2') })
  await openHolds(database.pool, [beyond, open])
  await settleHolds(database.pool, [
    settlementOf(beyond, { due: usd('2'), route: 'other/model', outcome: 'money_limit' }),
  ])
}

beforeAll(async () => {
  database = await createDatabase()
  await prepareHolds(database.pool)
  await database.pool.query(`insert into campaign (id, amount) values ('welcome', 100000000)`)
  await busyAccount()
})

beforeEach(async () => {
  client = await database.pool.connect()
  await client.query('begin')
})

afterEach(async () => {
  await client.query('rollback')
  client.release()
})

afterAll(async () => {
  expect(await reconcile(database.pool)).toEqual([])
  await database.drop()
})

/** Lifts what the database itself forbids, as a restored backup or a hand in the tables might. */
const lift = (...constraints: string[]) =>
  client.query(
    constraints
      .map((constraint) => {
        const [table, name] = constraint.split(' ')
        return `alter table ${table} drop constraint ${name}`
      })
      .join('; '),
  )

const found = async () => (await reconcile(client)).map(({ check, subject }) => [check, subject])

const house = (
  row: string,
) => `insert into transfer (ref, kind, debit, credit, amount, account_id, at)
  values (${row}, now())`

describe('reconciling finds', () => {
  test.each<[string, (at: { account: string; request: string; key: string }) => string, string[]]>([
    [
      'a lot that was changed',
      ({ account: id }) =>
        `update lot set remaining = remaining - 1 where account_id = '${id}' and origin = 'paid'`,
      ['lot = its transfers', 'wallet = its lots'],
    ],
    [
      'a lot that came from nowhere',
      ({
        account: id,
      }) => `insert into lot (id, account_id, origin, amount, remaining, withdrawable)
        values ('lot_free', '${id}', 'paid', 7, 7, true)`,
      ['lot = its transfers', 'wallet = its lots'],
    ],
    [
      'a lot that is gone',
      ({ account: id }) => `delete from lot where account_id = '${id}' and origin = 'paid'`,
      ['lot = its transfers', 'wallet = its lots'],
    ],
    [
      'a transfer that no lot knows of',
      ({ account: id }) => house(`'stray', 'top_up', 'cash_in:test', 'lot_unknown', 7, '${id}'`),
      ['lot = its transfers', 'wallet = its transfers'],
    ],
    [
      'a transfer of a lot that names no account',
      () => house(`'stray', 'top_up', 'cash_in:test', 'lot_unknown', 7, null`),
      ['a lot’s transfer names its account'],
    ],
    [
      'a wallet that was changed',
      ({ account: id }) => `update wallet set posted = posted + 1 where account_id = '${id}'`,
      ['wallet = its transfers', 'wallet = its lots'],
    ],
    [
      'a wallet that is gone',
      ({ account: id }) => `delete from wallet where account_id = '${id}'`,
      [
        'wallet = its transfers',
        'wallet = its lots',
        'held = its open holds',
        'open holds counted',
      ],
    ],
    [
      'held money that was changed',
      ({ account: id }) => `update wallet set held = held - 1 where account_id = '${id}'`,
      ['held = its open holds'],
    ],
    [
      'a count of holds that was changed',
      ({ account: id }) => `update wallet set open_holds = 0 where account_id = '${id}'`,
      ['open holds counted'],
    ],
    [
      'a key’s held money and count that were changed',
      ({ key }) => `update api_key set held = held + 1, open_holds = 0 where id = '${key}'`,
      ['key held = its open holds', 'key’s open holds counted'],
    ],
    [
      'a hold that is gone',
      ({ account: id }) => `delete from hold where account_id = '${id}'`,
      [
        'held = its open holds',
        'open holds counted',
        'key held = its open holds',
        'key’s open holds counted',
      ],
    ],
    [
      'a charge that was changed',
      ({ request }) => `update request set charge = charge - 1 where id = '${request}'`,
      ['request charge = its transfers', 'key spent = its charges'],
    ],
    [
      'a charge without a request',
      ({ account: id }) => house(`'req_none', 'shortfall', 'house', 'revenue', 7, '${id}'`),
      ['request shortfall = its transfers'],
    ],
    [
      'a request that is gone',
      ({ request }) => `delete from request where id = '${request}'`,
      [
        'request charge = its transfers',
        'request refunded = its refunds',
        'key spent = its charges',
      ],
    ],
    [
      'a refund that was changed',
      ({ request }) => `update request set refunded = 0 where id = '${request}'`,
      ['request refunded = its refunds'],
    ],
    [
      'a loss of the house that was changed',
      ({ account: id }) =>
        `update request set shortfall = shortfall - 1 where account_id = '${id}' and shortfall > 0`,
      ['request shortfall = its transfers'],
    ],
    [
      'a charge of a process that never was',
      ({ request }) => `update request set epoch = 999 where id = '${request}'`,
      ['charged only what was admitted'],
    ],
    [
      'a charge at a price that never was',
      ({ request }) => `update request set price_id = 'none' where id = '${request}'`,
      ['charged only what was admitted'],
    ],
    [
      'a charge at another model’s price',
      ({ request }) => `update request set model_id = 'other' where id = '${request}'`,
      ['charged only what was admitted'],
    ],
    [
      'a charge without usage',
      ({ request }) => `update request set usage_source = 'none' where id = '${request}'`,
      ['nothing due without usage'],
    ],
    [
      'spending of a key that was changed',
      ({ key }) => `update api_key set spent_total = spent_total + 1 where id = '${key}'`,
      ['key spent = its charges'],
    ],
    [
      'a grant a campaign does not know of',
      () => `update campaign set granted = granted - 1 where id = 'welcome'`,
      ['campaign granted = its grants'],
    ],
    [
      'a hold of a process that was last heard of a lease and its grace ago',
      () => `update lease set heartbeat_at = now() - interval '120 seconds'`,
      ['no hold of the dead'],
    ],
    [
      'a hold of a process that was swept longer than the grace ago',
      () => `update lease set swept_at = now() - interval '60 seconds'`,
      ['no hold of the dead'],
    ],
    [
      'a hold of a process that ended longer than the grace ago',
      () => `update lease set ended_at = now() - interval '60 seconds'`,
      ['no hold of the dead'],
    ],
  ])('%s', async (_what, statement, checks) => {
    const { accountId, apiKeyId } = account
    await client.query(statement({ account: accountId, request: requestId, key: apiKeyId }))
    const breaks = await reconcile(client)
    expect(breaks.map(({ check }) => check).toSorted()).toEqual(checks.toSorted())
  })

  test('whatever is negative', async () => {
    await lift('wallet wallet_never_negative', 'lot lot_check')
    await client.query('update wallet set posted = -5, held = 0')
    expect(await found()).toContainEqual(['nothing is negative', account.accountId])
  })

  test('a hold of a process that never was', async () => {
    await client.query('update hold set epoch = 999')
    expect(await found()).toEqual([['no hold of the dead', open.requestId]])
  })
})

describe('reconciling', () => {
  test('leaves alone the holds of the living and of those that died just now', async () => {
    await client.query(
      `update lease set heartbeat_at = now() - interval '119 seconds', swept_at = now() - interval '59 seconds'`,
    )
    expect(await found()).toEqual([])
  })

  test('counts what it compared and what the requests earned', async () => {
    const { compared, margins } = await audit(client)
    expect(Object.fromEntries(compared)).toMatchObject({
      'lot = its transfers': 2n,
      'wallet = its lots': 1n,
      'request charge = its transfers': 2n,
      'no hold of the dead': 1n,
      'campaign granted = its grants': 1n,
    })
    expect(margins).toEqual([
      {
        route: 'other/model',
        outcome: 'money_limit',
        requests: 1n,
        revenue: usd('0.7'),
        cost: usd('0.03'),
        shortfall: usd('1.3'),
        excused: 0n,
      },
      {
        route: 'provider/model',
        outcome: 'completed',
        requests: 1n,
        revenue: usd('0.2'),
        cost: usd('0.03'),
        shortfall: 0n,
        excused: 0n,
      },
    ])
  })

  test('goes through every account, page by page, and outside of the wallets, too', async () => {
    await client.query(
      `insert into wallet (account_id) select 'acc_00' || lpad(n::text, 4, '0') from generate_series(1, 300) as n`,
    )
    await client.query(`update wallet set posted = 3 where account_id = 'acc_000251'`)
    await client.query(
      `insert into lot (id, account_id, origin, amount, remaining, withdrawable) values
         ('lot_before', '0', 'paid', 7, 7, true), ('lot_after', 'zzz', 'paid', 7, 7, true)`,
    )
    expect(await found()).toEqual(
      expect.arrayContaining([
        ['lot = its transfers', 'lot_before'],
        ['wallet = its lots', 'acc_000251'],
        ['lot = its transfers', 'lot_after'],
      ]),
    )
    const { compared } = await audit(client)
    expect(compared.get('held = its open holds')).toBe(301n)
    expect(compared.get('wallet = its lots')).toBe(303n)
  })

  test('reports only what a second look finds, too', async () => {
    await client.query('update wallet set posted = posted + 1')
    let statements = 0
    const mending = {
      async query(text: string, values?: unknown[]) {
        const answer = await client.query(text, values)
        statements += 1
        // By then the first look at the wallets is over.
        if (statements === 3) await client.query('update wallet set posted = posted - 1')
        return answer
      },
    } as Queryable
    expect(await reconcile(mending)).toEqual([])
    expect(statements).toBeGreaterThan(3)
  })
})

describe('an account whose books do not agree', () => {
  test('is frozen once, with the reason, and holds nothing more', async () => {
    await client.query('update wallet set posted = posted + 1')
    const breaks = await reconcile(client)
    expect(await freezeAccounts(client, breaks)).toEqual([account.accountId])
    expect(await freezeAccounts(client, breaks)).toEqual([])
    const { rows } = await client.query('select frozen_reason from account')
    expect(rows).toEqual([{ frozen_reason: expect.stringMatching(/^reconcile: wallet = its/) }])
    const [answer] = await openHolds(client, [holdOf(account, { amount: nanoUsd(1n) })])
    expect(answer).toMatchObject({ verdict: 'account_frozen' })
  })
})
