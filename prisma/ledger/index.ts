export { runBatch, type Batch, type BatchAnswers } from './batch.ts'
export { grantPromo, type Grant, type GrantAnswer } from './campaign.ts'
export { credit, type Credit, type CreditAnswer } from './credit.ts'
export { expire, type Expiry } from './expire.ts'
export { findSettled, type FoundRequest, type SettledReceipt } from './find-settled.ts'
export {
  openHolds,
  type HoldAnswer,
  type HoldRequest,
  type LimitsTold,
  type LimitTold,
  type RequestFacts,
  type Verdict,
} from './hold.ts'
export { endLease, openLease, renewLease } from './lease.ts'
export { loadPrices, PriceRefused } from './load-prices.ts'
export { freezeAccounts } from './freeze.ts'
export { audit, reconcile, type Break, type Report } from './reconcile.ts'
export { recordRefusals, type RefusalCount, type RefusedRequest } from './refusals.ts'
export { refund, type Refund, type RefundAnswer } from './refund.ts'
export { renewHolds, type RenewAnswer, type Renewal } from './renew.ts'
export { settleHolds, type SettleAnswer, type Settlement } from './settle.ts'
export type { Queryable } from './statement.ts'
export { LEASE_MS, sweep, type Swept } from './sweep.ts'
export { withdraw, type Withdrawal, type WithdrawalAnswer } from './withdraw.ts'
