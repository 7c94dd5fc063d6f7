export { bill, dueFor, type Bill, type Ending } from './bill.ts'
export { COUNTED_VERSION, countUsage, tokensPerKilobyte, type Delivered } from './counted.ts'
export { outcomes, type Outcome } from './outcomes.ts'
export { isPlausible, type Bounds } from './plausible.ts'
