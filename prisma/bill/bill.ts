import { charge } from '../catalog/price.ts'
import type { Tier } from '../catalog/model.ts'
import type { Usage } from '../catalog/usage.ts'
import type { NanoUsd } from '../money.ts'
import { COUNTED_VERSION, countUsage, type Delivered } from './counted.ts'
import { ruleOf, type Outcome } from './outcomes.ts'
import { isPlausible, type Bounds } from './plausible.ts'

/** How a request ended, and what is known of its use. */
export interface Ending extends Delivered {
  readonly outcome: Outcome
  /** As the provider reported it: `unreadable` where what it sent makes no sense, undefined where it sent nothing. */
  readonly reported: Usage | 'unreadable' | undefined
  /** Bounds of a believable report. */
  readonly most: Bounds
}

export interface Bill {
  readonly usage: Usage
  readonly source: 'provider' | 'counted' | 'none'
  /** Why usage was counted where a report was due. */
  readonly flag?: 'usage_missing' | 'usage_implausible'
  /** Version of the parameters it was counted by, where it was. */
  readonly countedVersion?: number
  /** Whether the house bears it, up to the account's allowance of the day. */
  readonly excusable: boolean
  /** Whether no more is due than was held. */
  readonly cappedAtHold: boolean
}

const NOTHING: Usage = { input: 0, cachedInput: 0, cacheWrite: 0, output: 0, thinkingOutput: 0 }

/**
 * The usage a request is billed, by the table of outcomes. A plausible report is taken as it is, zeros included;
 * a missing or implausible one is replaced by a count of what was delivered.
 *
 * @throws RangeError on bytes or a limit that are no whole numbers from 0 on
 */
export function bill(ending: Ending): Bill {
  const { bills, reportDue, freeWithoutOutput, excusable, cappedAtHold } = ruleOf(ending.outcome)
  const marks = { excusable: excusable ?? false, cappedAtHold: cappedAtHold ?? false }
  if (bills === 'nothing' || (freeWithoutOutput && ending.answerBytes === 0)) {
    return { usage: NOTHING, source: 'none', ...marks }
  }
  const { reported } = ending
  if (bills === 'usage' && isReport(reported) && isPlausible(reported, ending.most)) {
    return { usage: reported, source: 'provider', ...marks }
  }
  return {
    usage: countFor(ending.outcome, ending, COUNTED_VERSION),
    source: 'counted',
    countedVersion: COUNTED_VERSION,
    ...(reportDue && { flag: reported ? 'usage_implausible' : 'usage_missing' }),
    ...marks,
  }
}

/** Usage counted as an outcome wants it: the prompt alone where nothing of the answer is billed. */
export const countFor = (outcome: Outcome, delivered: Delivered, version: number): Usage =>
  countUsage(
    ruleOf(outcome).bills === 'input' ? { ...delivered, answerBytes: 0 } : delivered,
    version,
  )

const isReport = (reported: Ending['reported']): reported is Usage => typeof reported === 'object'

/**
 * What a bill comes to, nUSD: its usage by the price's rates, rounded up once; at most what was held where the
 * request was ended for want of money.
 */
export function dueFor(
  { usage, cappedAtHold }: Pick<Bill, 'usage' | 'cappedAtHold'>,
  price: { readonly tiers: readonly Tier[] },
  held: NanoUsd,
): NanoUsd {
  const due = charge(usage, price)
  return cappedAtHold && due > held ? held : due
}
