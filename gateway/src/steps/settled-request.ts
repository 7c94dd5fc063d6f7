import type { Bill, SettledRequest } from '@smartoken/prisma/bill'
import type { SettleAnswer } from '@smartoken/prisma/ledger'
import { nanoUsd } from '@smartoken/prisma/money'
import type { HeldEnding } from './settle.ts'

/** A request as it has just been settled: what its row says, for the receipt that ends a stream. */
export function settledRequest(
  { hold, by, ...ending }: HeldEnding,
  billed: Bill,
  answer: SettleAnswer,
): SettledRequest {
  return {
    id: hold.requestId,
    ...hold.facts,
    openedAt: hold.openedAt,
    finishedAt: answer.clock,
    outcome: ending.outcome,
    status: ending.status,
    route: by?.route.id,
    usage: billed.usage,
    usageSource: billed.source,
    usageFlag: billed.flag,
    countedVersion: billed.countedVersion,
    answerBytes: ending.answerBytes,
    maxTokensSent: hold.limit,
    held: hold.amount,
    charge: answer.charge ?? nanoUsd(0n),
    shortfall: answer.shortfall ?? nanoUsd(0n),
    excused: answer.excused ?? nanoUsd(0n),
    refunded: nanoUsd(0n),
    provisional: false,
  }
}
