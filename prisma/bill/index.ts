export { bill, dueFor, type Bill, type Ending } from './bill.ts'
export {
  COUNTED_VERSION,
  countedVersions,
  countUsage,
  tokensPerKilobyte,
  type Delivered,
} from './counted.ts'
export { findReceipt } from './find-receipt.ts'
export { outcomes, type Outcome } from './outcomes.ts'
export { isPlausible, type Bounds } from './plausible.ts'
export { readReceipt, ReceiptUnreadable, type Receipt } from './receipt-schema.ts'
export { receiptOf, type LotTransfer, type SettledRequest } from './receipt.ts'
export { recompute, type Recomputed } from './recompute.ts'
