import type { Seen } from './seen.ts'

/*
 * kimi-k2 costs $1.045 a million tokens in and $4.40 out at any hour. So usage of 300 and 200 tokens is
 * 300 × 1,045 + 200 × 4,400 nUSD, and 150 and 150 counted tokens are 150 × 1,045 + 150 × 4,400.
 */
const REPORTED = 1_193_500n
const COUNTED = 816_750n

/** The bytes of a whole text, and of half of it. */
const WHOLE = 1_000

/** The upstream's answer, all of it, charged as it reported. */
export const whole: Seen = {
  status: 200,
  code: undefined,
  answer: 'whole',
  text: WHOLE,
  finish: 'stop',
  outcome: 'completed',
  charge: REPORTED,
  usage: 'provider',
  attempts: 1,
}

/** All of it, but without usage: charged by its bytes. */
export const unreported: Seen = { ...whole, charge: COUNTED, usage: 'counted usage_missing' }

/** All of it, with usage that cannot be: charged by its bytes. */
export const implausible: Seen = { ...whole, charge: COUNTED, usage: 'counted usage_implausible' }

/** Nothing came of it, and nothing is due. */
export const failed: Seen = {
  status: 503,
  code: 'upstream_unavailable',
  answer: 'error',
  text: 0,
  finish: undefined,
  outcome: 'upstream_error',
  charge: 0n,
  usage: 'none',
  attempts: 1,
}

/** The same, twice: a connection that had been used and was closed before its answer is tried once more. */
export const failedTwice: Seen = { ...failed, attempts: 2 }

/** The provider had something against the request itself. */
export const refused: Seen = { ...failed, status: 400, code: 'upstream_rejected' }

/** The provider had too much to do. */
export const limited: Seen = { ...failed, status: 429, code: 'load_protection' }

/** Half of it came, then an error in its place; the house bears it. */
export const broken: Seen = {
  ...whole,
  code: 'upstream_broke',
  answer: 'broken',
  text: WHOLE / 2,
  finish: 'error',
  outcome: 'upstream_broke',
  charge: 0n,
  usage: 'counted',
}

/** What is expected of a behaviour: of a plain request and of a stream. */
export type Table<Behaviours> = {
  readonly [name in keyof Behaviours]: readonly [plain: Seen, stream: Seen]
}
