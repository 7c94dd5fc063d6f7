import {
  array,
  constantFrom,
  integer,
  nat,
  oneof,
  option,
  record,
  sample,
  tuple,
  type Arbitrary,
} from 'fast-check'
import { loadCatalog, type PriceRow, type Usage } from '../catalog/index.ts'
import { nanoUsd, type Rate } from '../money.ts'
import { bill, dueFor, outcomes, receiptOf, type Outcome, type Receipt } from './index.ts'

export const catalog = loadCatalog()

/** Token counts: mostly small, some at the edges of what is believed. */
export const anyCount = oneof(nat(5_000), nat(10_000_000), constantFrom(0, 1, 999, 1_000, 1_001))

export const anyUsage: Arbitrary<Usage> = record({
  input: anyCount,
  cachedInput: anyCount,
  cacheWrite: anyCount,
  output: anyCount,
  thinkingOutput: anyCount,
})

/** Rates from a millionth of a dollar per million tokens, the least there is, to a thousand dollars. */
const anyRate = oneof(integer({ min: 1, max: 2_000 }), integer({ min: 1, max: 1_000_000_000 })).map(
  (amount) => BigInt(amount) as Rate,
)
const anyRates = record({
  input: anyRate,
  cachedInput: anyRate,
  cacheWrite: anyRate,
  output: anyRate,
  thinkingOutput: anyRate,
})

/** A price of one to four tiers. */
export const anyPrice: Arbitrary<PriceRow> = tuple(
  array(anyRates, { minLength: 1, maxLength: 4 }),
  integer({ min: 1, max: 4_000 }),
).map(([tiers, step]) => ({
  id: 'any/2026-11-20',
  from: new Date('2026-11-20'),
  window: undefined,
  tiers: tiers.map((rates, at) => ({
    upTo: at === tiers.length - 1 ? undefined : step * (at + 1),
    rates,
  })),
}))

const anyMoney = oneof(nat(1_000), nat(2_000_000_000)).map((amount) => nanoUsd(BigInt(amount)))

/** How a request may end: any outcome, any report, any bytes, any wallet. */
const anyEnding = record({
  model: constantFrom(...catalog.models),
  outcome: constantFrom(...(Object.keys(outcomes) as Outcome[])),
  reported: oneof(anyUsage, constantFrom('unreadable' as const, undefined)),
  promptBytes: nat(1_000_000),
  answerBytes: oneof(constantFrom(0), nat(1_000_000)),
  limit: integer({ min: 1, max: 400_000 }),
  held: anyMoney,
  available: anyMoney,
  excuseRoom: anyMoney,
  refundedShare: option(nat(100)),
})

/** Receipts of requests that were billed and settled by the rules, with what was charged. */
export const anyReceipt: Arbitrary<{ receipt: Receipt; charge: bigint }> = tuple(
  anyEnding,
  anyPrice,
).map(([{ model, held, available, excuseRoom, refundedShare, ...ending }, price]) => {
  const most = { prompt: 20_000_000, output: 20_000_000 }
  const billed = bill({ ...ending, family: model.family, most })
  const due = dueFor(billed, price, held)
  const excused = billed.excusable && due <= excuseRoom ? due : 0n
  const payable = held + available
  const charge = due - excused < payable ? due - excused : payable
  const receipt = receiptOf(
    catalog,
    {
      ...ending,
      id: 'req_00x',
      endpoint: '/v1/chat/completions',
      modelId: model.id,
      modelAsked: model.id,
      stream: true,
      openedAt: new Date('2026-11-23T02:00:00Z'),
      finishedAt: new Date('2026-11-23T02:00:09Z'),
      status: 200,
      route: model.routes[0]!.id,
      usage: billed.usage,
      usageSource: billed.source,
      usageFlag: billed.flag,
      countedVersion: billed.countedVersion,
      maxTokensSent: ending.limit,
      held,
      charge: nanoUsd(charge),
      shortfall: nanoUsd(due - excused - charge),
      excused: nanoUsd(excused),
      refunded: nanoUsd((charge * BigInt(refundedShare ?? 0)) / 100n),
      provisional: false,
    },
    price,
  )
  return { receipt, charge }
})

/** Some of them, the same for the same count. */
export const someReceipts = (count: number): Receipt[] =>
  sample(anyReceipt, { seed: count, numRuns: count }).map(({ receipt }) => receipt)
