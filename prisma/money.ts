/**
 * Money is whole nano-USD in a `bigint`, prices are whole micro-USD per million tokens (the same
 * integer as pico-USD per token). Nothing near money is a `number`: a float cannot hold a cent.
 */
declare const unit: unique symbol

/** Nano-USD, nUSD: one dollar is 1,000,000,000. */
export type NanoUsd = bigint & { readonly [unit]: 'nUSD' }

/** A price or cost rate: millionths of a currency unit per million tokens (for USD: pico-USD per token). */
export type Rate = bigint & { readonly [unit]: 'micro per million tokens' }

const NANO_DIGITS = 9
const MICRO_DIGITS = 6

export const nanoUsd = (amount: bigint): NanoUsd => amount as NanoUsd

/** `usd('0.28')` → 280,000,000 nUSD. @throws RangeError on anything but a plain decimal of at most 9 places. */
export const usd = (decimal: string): NanoUsd => scaled(decimal, NANO_DIGITS) as NanoUsd

/** `rate('0.28')`, dollars (or yuan) per million tokens, → 280,000. @throws RangeError past 6 places. */
export const rate = (decimal: string): Rate => scaled(decimal, MICRO_DIGITS) as Rate

/** 280,000,000 nUSD → `'0.28'`: exact, at least two decimals, no trailing zeros past them. */
export const formatUsd = (amount: NanoUsd): string => unscaled(amount, NANO_DIGITS)

/** 280,000 → `'0.28'`, dollars per million tokens: exact, at least two decimals. */
export const formatRate = (amount: Rate): string => unscaled(amount, MICRO_DIGITS)

/** 280,000 → `'0.00000028'`, dollars a token: exact. */
export const formatTokenPrice = (amount: Rate): string => unscaled(amount, 2 * MICRO_DIGITS)

function scaled(decimal: string, digits: number): bigint {
  const match = /^(-?)(\d{1,12})(?:\.(\d+))?$/.exec(decimal)
  const fraction = match?.[3] ?? ''
  if (!match || fraction.length > digits) {
    throw new RangeError(`"${decimal}" is not a decimal amount with at most ${digits} places`)
  }
  const whole = BigInt(`${match[2]}${fraction.padEnd(digits, '0')}`)
  return match[1] ? -whole : whole
}

function unscaled(amount: bigint, digits: number): string {
  const sign = amount < 0n ? '-' : ''
  const text = (amount < 0n ? -amount : amount).toString().padStart(digits + 1, '0')
  const fraction = text.slice(-digits).replace(/0+$/, '').padEnd(2, '0')
  return `${sign}${text.slice(0, -digits)}.${fraction}`
}
