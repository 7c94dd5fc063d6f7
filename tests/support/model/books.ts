import { endLease, openLease, sweep, type Queryable } from '@smartoken/prisma/ledger'
import { createAccount, type TestAccount } from '../accounts.ts'
import type { ModelWallet } from './wallet.ts'

/** What wallet, key, lots, holds and requests of an account hold, under the names of the test. */
export interface State {
  readonly posted: bigint
  readonly held: bigint
  readonly openHolds: number
  readonly keyHeld: bigint
  readonly spent: bigint
  /** What is left, by the ref that brought it. */
  readonly lots: Readonly<Record<string, string>>
  readonly holds: Readonly<Record<string, string>>
  readonly requests: Readonly<Record<string, readonly string[]>>
}

/** The clock of a database that one session works on alone. */
export async function startClock(session: Queryable, now: number): Promise<void> {
  await session.query(`create or replace function ledger_clock() returns timestamptz language sql volatile as
    $$ select current_setting('test.clock')::timestamptz $$`)
  await session.query(`select set_config('test.clock', $1, false)`, [new Date(now)])
}

/** One account in the database, in one session whose clock the test sets. */
export class Books {
  readonly session: Queryable
  readonly account: TestAccount
  epoch: bigint

  private constructor(session: Queryable, account: TestAccount, epoch: bigint) {
    this.session = session
    this.account = account
    this.epoch = epoch
  }

  static async open(session: Queryable, cap: bigint | undefined): Promise<Books> {
    const account = await createAccount(session)
    await session.query('update api_key set cap_total = $2 where id = $1', [account.apiKeyId, cap])
    return new Books(session, account, await openLease(session, 'model'))
  }

  get accountId() {
    return this.account.accountId
  }

  async lotId(ref: string): Promise<string> {
    const { rows } = await this.session.query<{ lot: string }>({
      name: 'lot of a ref',
      text: `select credit as lot from transfer where ref = $1 and kind in ('top_up', 'promo')`,
      values: [ref],
    })
    return rows[0]?.lot ?? 'lot_none'
  }

  /** What brought a lot of this account. */
  async refOf(lot: string): Promise<string | undefined> {
    const { rows } = await this.session.query<{ ref: string }>(
      `select ref from transfer where account_id = $1 and credit = $2 and kind in ('top_up', 'promo')`,
      [this.accountId, lot],
    )
    return rows[0]?.ref
  }

  /** The process that opened the holds is gone: it said so, or was silent for a lease. */
  async die(silently: boolean): Promise<void> {
    if (!silently) await endLease(this.session, this.epoch)
    await this.session.query(
      `update lease set heartbeat_at = ledger_clock() - interval '61 seconds' where epoch = $1`,
      [this.epoch],
    )
    await sweep(this.session)
  }

  async restart(): Promise<void> {
    this.epoch = await openLease(this.session, 'model')
  }

  async stop(what: 'account' | 'key', stopped: boolean): Promise<void> {
    await (what === 'key'
      ? this.session.query(
          'update api_key set revoked_at = case when $2 then ledger_clock() end where id = $1',
          [this.account.apiKeyId, stopped],
        )
      : this.session.query(
          `update account set frozen_at = case when $2 then ledger_clock() end,
             frozen_reason = case when $2 then 'test' end where id = $1`,
          [this.accountId, stopped],
        ))
  }

  /** Reads everything, and sets the clock for what comes next. */
  async state(now: number): Promise<State> {
    const { rows } = await this.session.query<State & { clock: string }>({
      name: 'state',
      text: `select set_config('test.clock', $2, false) as clock,
          wallet.posted, wallet.held, wallet.open_holds as "openHolds", k.held as "keyHeld", k.spent_total as spent,
          (select coalesce(jsonb_object_agg(t.ref, lot.remaining::text), '{}') from transfer as t join lot on lot.id = t.credit
            where t.account_id = $1 and t.kind in ('top_up', 'promo')) as lots,
          (select coalesce(jsonb_object_agg(request_id, amount::text), '{}') from hold where account_id = $1) as holds,
          (select coalesce(jsonb_object_agg(id, jsonb_build_array(charge::text, shortfall::text, excused::text, refunded::text,
            provisional::text)), '{}') from request where account_id = $1) as requests
        from wallet join api_key as k using (account_id) where account_id = $1`,
      values: [this.accountId, new Date(now).toISOString()],
    })
    const { clock: _, ...state } = rows[0]!
    return state
  }
}

/** The same of a model. */
export const stateOf = (model: ModelWallet): State => ({
  posted: model.posted,
  held: model.held,
  openHolds: model.holds.size,
  keyHeld: model.held,
  spent: model.spent,
  lots: Object.fromEntries([...model.lots].map(([ref, { remaining }]) => [ref, `${remaining}`])),
  holds: Object.fromEntries([...model.holds].map(([id, { amount }]) => [id, `${amount}`])),
  requests: Object.fromEntries(
    [...model.requests].map(([id, { charge, shortfall, excused, refunded, provisional }]) => [
      id,
      [charge, shortfall, excused, refunded, provisional].map(String),
    ]),
  ),
})
