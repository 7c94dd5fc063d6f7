export { credit, type Credit } from './credit.ts'
export {
  openHolds,
  type HoldAnswer,
  type HoldRequest,
  type RequestFacts,
  type Verdict,
} from './hold.ts'
export { openLease, renewLease } from './lease.ts'
export { loadPrices, PriceRefused } from './load-prices.ts'
export { reconcile, type Break } from './reconcile.ts'
export { settleHolds, type SettleAnswer, type Settlement } from './settle.ts'
export type { Queryable } from './statement.ts'
