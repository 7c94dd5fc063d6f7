import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createAccount, type TestAccount } from '../../tests/support/accounts.ts'
import { setClock } from '../../tests/support/clock.ts'
import { createDatabase, type TestDatabase } from '../../tests/support/database.ts'
import { nanoUsd, usd } from '../money.ts'
import { grantPromo } from './campaign.ts'
import { reconcile } from './reconcile.ts'

let database: TestDatabase

beforeAll(async () => {
  database = await createDatabase()
})

afterAll(async () => {
  expect(await reconcile(database.pool)).toEqual([])
  await database.drop()
})

interface Terms {
  readonly amount?: bigint
  readonly withdrawable?: boolean
  readonly valid_days?: number
  readonly starts_at?: string
  readonly ends_at?: string
  readonly budget?: bigint
}

let campaigns = 0
/** A new campaign of ten cents a grant, but for what is given. */
async function launch(terms: Terms = {}): Promise<string> {
  const campaign = `campaign-${(campaigns += 1)}`
  const row = { id: campaign, amount: usd('0.1'), starts_at: '2026-01-01', ...terms }
  const columns = Object.keys(row)
  await database.pool.query(
    `insert into campaign (${columns.join(', ')}) values (${columns.map((_, at) => `$${at + 1}`).join(', ')})`,
    Object.values(row),
  )
  return campaign
}

const accounts = (count: number): Promise<TestAccount[]> =>
  Promise.all(Array.from({ length: count }, () => createAccount(database.pool)))

const grant = async (campaign: string, { accountId }: TestAccount) =>
  (await grantPromo(database.pool, [{ campaign, accountId }]))[0]!

const grantedOf = async (campaign: string) =>
  (await database.pool.query('select granted from campaign where id = $1', [campaign])).rows[0]
    .granted

const lotsOf = async ({ accountId }: TestAccount) =>
  (
    await database.pool.query(
      `select origin, amount, remaining, withdrawable, campaign,
         round(extract(epoch from expires_at - created_at) / 86400)::int as days
       from lot where account_id = $1`,
      [accountId],
    )
  ).rows

describe('a campaign', () => {
  test('grants a lot of its amount, by its terms, against promo_expense', async () => {
    const [account] = await accounts(1)
    const campaign = await launch({ withdrawable: true, valid_days: 30 })
    expect(await grant(campaign, account!)).toMatchObject({
      outcome: 'granted',
      amount: usd('0.1'),
    })
    expect(await lotsOf(account!)).toEqual([
      {
        origin: 'promo',
        amount: usd('0.1'),
        remaining: usd('0.1'),
        withdrawable: true,
        campaign,
        days: 30,
      },
    ])
    const { rows } = await database.pool.query(
      `select kind, debit, amount from transfer where ref = $1`,
      [`${campaign}:${account!.accountId}`],
    )
    expect(rows).toEqual([{ kind: 'promo', debit: 'promo_expense', amount: usd('0.1') }])
    expect(await grantedOf(campaign)).toBe(usd('0.1'))
  })

  test('whose money neither expires nor leaves says so in the lot', async () => {
    const [account] = await accounts(1)
    await grant(await launch(), account!)
    expect(await lotsOf(account!)).toMatchObject([{ withdrawable: false, days: null }])
  })

  test('grants each account once, also when asked five times at once and in one batch', async () => {
    const [account] = await accounts(1)
    const campaign = await launch()
    const answers = await Promise.all(
      Array.from({ length: 5 }, () =>
        grantPromo(
          database.pool,
          [account!, account!].map(({ accountId }) => ({ campaign, accountId })),
        ),
      ),
    )
    const outcomes = answers.flat().map(({ outcome }) => outcome)
    expect(outcomes.filter((outcome) => outcome === 'granted')).toHaveLength(1)
    expect(outcomes.filter((outcome) => outcome === 'already')).toHaveLength(9)
    expect(await grantedOf(campaign)).toBe(usd('0.1'))
  })

  test('that has ended or changed its amount still knows what it granted', async () => {
    const [account, late] = await accounts(2)
    const campaign = await launch()
    await grant(campaign, account!)
    await database.pool.query(
      `update campaign set ends_at = '2026-02-01', amount = 1 where id = $1`,
      [campaign],
    )
    expect(await grant(campaign, account!)).toMatchObject({
      outcome: 'already',
      amount: usd('0.1'),
    })
    expect(await grant(campaign, late!)).toMatchObject({ outcome: 'not_running', amount: 0n })
  })

  test('runs from the instant it starts to the one before it ends', async () => {
    const campaign = await launch({
      starts_at: '2026-06-01T00:00:00Z',
      ends_at: '2026-06-02T00:00:00Z',
    })
    const outcomes = []
    for (const at of ['05-31T23:59:59.999', '06-01T00:00', '06-01T23:59:59.999', '06-02T00:00']) {
      const [account] = await accounts(1)
      await setClock(database.pool, new Date(`2026-${at}Z`))
      outcomes.push((await grant(campaign, account!)).outcome)
    }
    expect(outcomes).toEqual(['not_running', 'granted', 'granted', 'not_running'])
  })

  test('that does not exist grants nothing', async () => {
    const [account] = await accounts(1)
    expect(await grant('none', account!)).toMatchObject({ outcome: 'unknown_campaign', amount: 0n })
  })

  test('spends its budget to the last nano-dollar, in the order asked for', async () => {
    const some = await accounts(4)
    const exact = await launch({ budget: usd('0.3') })
    const short = await launch({ budget: nanoUsd(usd('0.3') - 1n) })
    const asked = [exact, short].flatMap((campaign) =>
      some.map(({ accountId }) => ({ campaign, accountId })),
    )
    const answers = await grantPromo(database.pool, asked)
    expect(answers).toMatchObject(asked)
    const outcomes = answers.map(({ outcome }) => outcome)
    expect(outcomes.slice(0, 4)).toEqual(['granted', 'granted', 'granted', 'budget_spent'])
    expect(outcomes.slice(4)).toEqual(['granted', 'granted', 'budget_spent', 'budget_spent'])
    expect(await grantedOf(short)).toBe(usd('0.2'))
  })

  test('spends its budget exactly when forty ask at once', async () => {
    const some = await accounts(40)
    const campaign = await launch({ budget: usd('1') })
    const answers = await Promise.all(some.map((account) => grant(campaign, account)))
    const granted = answers.filter(({ outcome }) => outcome === 'granted')
    expect(granted).toHaveLength(10)
    expect(await grantedOf(campaign)).toBe(usd('1'))
  })

  test('cannot be made to exceed its budget', async () => {
    const campaign = await launch({ budget: usd('1') })
    await expect(
      database.pool.query('update campaign set granted = budget + 1 where id = $1', [campaign]),
    ).rejects.toThrow('campaign_within_budget')
  })
})
