import {
  credit,
  expire,
  grantPromo,
  openHolds,
  refund,
  renewHolds,
  settleHolds,
  withdraw,
  type Queryable,
} from '@smartoken/prisma/ledger'
import { nanoUsd } from '@smartoken/prisma/money'
import { holdOf, settlementOf } from '../holds.ts'
import type { Books } from './books.ts'
import type { ModelWallet } from './wallet.ts'

const NEVER = Number.POSITIVE_INFINITY

export interface Campaign {
  readonly id: string
  readonly amount: bigint
  readonly withdrawable: boolean
  readonly validDays: number | undefined
  readonly endsAt: number | undefined
  readonly budget: bigint | undefined
  granted: bigint
}

/** Writes the campaigns into a database. */
export async function launch(
  session: Queryable,
  campaigns: readonly Campaign[],
  startsAt: Date,
): Promise<void> {
  for (const { id, amount, withdrawable, validDays, endsAt, budget } of campaigns) {
    await session.query(
      `insert into campaign (id, amount, withdrawable, valid_days, starts_at, ends_at, budget)
         values ($1, $2, $3, $4, $5, $6, $7)`,
      [
        id,
        amount,
        withdrawable,
        validDays,
        startsAt,
        endsAt === undefined ? null : new Date(endsAt),
        budget,
      ],
    )
  }
}

/** A call of the ledger, made of the model and of the database, however often: both say the same each time. */
export interface Call {
  expected(model: ModelWallet): unknown
  actual(books: Books): Promise<unknown>
}

const DAY_MS = 86_400_000

export const topUp = (ref: string, accountId: string, amount: bigint): Call => ({
  expected: (model) => [
    model.credit({ ref, promo: false, withdrawable: true, expiresAt: NEVER }, amount),
  ],
  actual: async ({ session }) =>
    (
      await credit(session, [
        {
          ref,
          kind: 'top_up',
          source: 'cash_in:test',
          accountId,
          amount: nanoUsd(amount),
          withdrawable: true,
        },
      ])
    ).map(({ credited }) => credited),
})

export const promo = (ref: string, accountId: string, amount: bigint, expiresAt: number): Call => ({
  expected: (model) => [model.credit({ ref, promo: true, withdrawable: false, expiresAt }, amount)],
  actual: async ({ session }) =>
    (
      await credit(session, [
        {
          ref,
          kind: 'promo',
          source: 'promo_expense',
          accountId,
          amount: nanoUsd(amount),
          withdrawable: false,
          expiresAt: new Date(expiresAt),
        },
      ])
    ).map(({ credited }) => credited),
})

export const grant = (campaign: Campaign, accountId: string): Call => ({
  expected(model) {
    const { id, amount, withdrawable, validDays, endsAt = NEVER, budget } = campaign
    const ref = `${id}:${accountId}`
    if (model.lots.has(ref)) return [{ outcome: 'already', amount }]
    if (model.now >= endsAt) return [{ outcome: 'not_running', amount: 0n }]
    if (budget !== undefined && campaign.granted + amount > budget)
      return [{ outcome: 'budget_spent', amount: 0n }]
    const expiresAt = validDays === undefined ? NEVER : model.now + validDays * DAY_MS
    campaign.granted += amount
    model.credit({ ref, promo: true, withdrawable, expiresAt }, amount)
    return [{ outcome: 'granted', amount }]
  },
  actual: async ({ session }) =>
    (await grantPromo(session, [{ campaign: campaign.id, accountId }])).map(
      ({ outcome, amount }) => ({ outcome, amount }),
    ),
})

/** Several in one batch, as the gateway's batches have them. */
export const hold = (
  asked: readonly { id: string; amount: bigint; least: bigint }[],
  { epoch, process }: { epoch: bigint; process: number | undefined },
): Call => ({
  expected: (model) =>
    asked.map(({ id, amount, least }) => ({ id, ...model.hold(id, amount, least, process) })),
  actual: async ({ session, account }) => {
    const answers = await openHolds(
      session,
      asked.map(({ id, amount, least }) =>
        holdOf(account, {
          requestId: id,
          amount: nanoUsd(amount),
          least: nanoUsd(least),
          epoch,
        }),
      ),
    )
    return answers.map(({ requestId: id, verdict, amount }) => ({ id, verdict, amount }))
  },
})

export const renew = (
  id: string,
  total: bigint,
  progress: { due: bigint; excusable: boolean },
): Call => ({
  expected: (model) => [model.renew(id, total, progress)],
  actual: async ({ session, accountId }) => {
    const { due, excusable } = progress
    const soFar = settlementOf({ requestId: id, accountId }, { due: nanoUsd(due), excusable })
    const renewal = { requestId: id, accountId, total: nanoUsd(total), tokens: 0, progress: soFar }
    const answers = await renewHolds(session, [renewal])
    return answers.map(({ outcome, amount }) => ({ outcome, amount }))
  },
})

interface Ending {
  readonly id: string
  readonly due: bigint
  readonly excusable: boolean
}

/** A batch is settled in the order of its ids; holds come before what is settled late. */
export const settle = (endings: readonly Ending[]): Call => ({
  expected(model) {
    const answers = new Map<string, object>()
    const inOrder = endings.toSorted(
      (one, other) =>
        Number(model.holds.has(other.id)) - Number(model.holds.has(one.id)) ||
        (one.id < other.id ? -1 : 1),
    )
    for (const { id, due, excusable } of inOrder)
      answers.set(id, { id, ...model.settle(id, due, excusable) })
    return endings.map(({ id }) => answers.get(id))
  },
  actual: async ({ session, accountId }) => {
    const answers = await settleHolds(
      session,
      endings.map(({ id, due, excusable }) =>
        settlementOf({ requestId: id, accountId }, { due: nanoUsd(due), excusable }),
      ),
    )
    return answers.map(({ requestId: id, outcome, charge, shortfall, excused }) => ({
      id,
      outcome,
      charge,
      shortfall,
      excused,
    }))
  },
})

export const giveBack = (
  id: string,
  pieces: readonly { name: string; amount: bigint }[],
): Call => ({
  expected: (model) => pieces.map(({ name, amount }) => model.refund(id, name, amount)),
  actual: async ({ session, accountId }) => {
    const answers = await refund(
      session,
      pieces.map(({ name, amount }) => ({
        ref: `${id}:${name}`,
        requestId: id,
        accountId,
        amount: nanoUsd(amount),
      })),
    )
    return answers.map(({ outcome, refunded }) => ({ outcome, refunded }))
  },
})

/** Others' lots may expire by the same call; these are not looked at. */
export const expiry: Call = {
  expected: (model) =>
    Object.fromEntries(model.expire().map(({ ref, amount }) => [ref, amount] as const)),
  actual: async (books) => {
    const gone = (await expire(books.session)).filter(
      ({ accountId }) => accountId === books.accountId,
    )
    const named: Record<string, bigint> = {}
    for (const { lotId, amount } of gone) named[`${await books.refOf(lotId)}`] = amount
    return named
  },
}

export const payOut = (ref: string, lot: string, amount: bigint): Call => ({
  expected: (model) => [model.withdraw(ref, lot, amount)],
  actual: async (books) => {
    const { session, accountId } = books
    const lotId = await books.lotId(lot)
    const answers = await withdraw(session, [
      { ref, lotId, accountId, amount: nanoUsd(amount), channel: 'test' },
    ])
    return answers.map(({ outcome, amount: paid }) => ({ outcome, amount: paid }))
  },
})
