/** `npm run receipt -- <file>`: works out anew what a request cost, line by line; exits 1 if its receipt says otherwise. */
import { readFileSync } from 'node:fs'
import type { Usage } from '../catalog/usage.ts'
import { formatRate, formatUsd } from '../money.ts'
import { findReceipt } from './find-receipt.ts'
import { recompute, type Recomputed } from './recompute.ts'

const STDIN = 0

const classes: readonly (readonly [keyof Usage, string])[] = [
  ['input', 'input'],
  ['cachedInput', 'cached input'],
  ['cacheWrite', 'cache write'],
  ['output', 'output'],
  ['thinkingOutput', 'output with thinking'],
]

try {
  const [file] = process.argv.slice(2)
  if (file === undefined) {
    throw new Error('Name a file with a receipt or a stream’s text, or - for standard input.')
  }
  const found = recompute(findReceipt(readFileSync(file === '-' ? STDIN : file, 'utf8')))
  explain(found)
  if (found.differences.length > 0) process.exitCode = 1
} catch (error) {
  console.error((error as Error).message)
  process.exitCode = 1
}

function explain({ receipt, usage, tier, due, charge, differences }: Recomputed): void {
  const { price, settle, counted } = receipt
  const lines = classes
    .filter(([name]) => usage[name] > 0)
    .map(([name, words]) => ({
      class: words,
      tokens: usage[name],
      '$ per million': formatRate(tier.rates[name]),
      // Picodollars, which are not yet rounded.
      $: exact(BigInt(usage[name]) * tier.rates[name]),
    }))
  console.log(`${receipt.request_id}: ${receipt.model}, ${receipt.outcome}, ${receipt.opened_at}`)
  console.log(
    `price ${price.id}. ${price.window?.rule ?? ''}${price.window ? ' ' : ''}${price.tier_because}`,
  )
  if (counted) {
    console.log(
      `counted by version ${counted.version}: ${counted.prompt_bytes} and ${counted.answer_bytes} bytes at ` +
        `${counted.tokens_per_kilobyte} tokens per kB, at most ${counted.limit} of output`,
    )
  }
  if (lines.length > 0) console.table(lines)
  console.table([
    { what: `due, rounded up once${atMost(receipt)}`, $: formatUsd(due) },
    ...optional('excused', settle.excused_usd),
    ...optional('borne by the house', settle.shortfall_usd),
    { what: 'charged', $: formatUsd(charge) },
    ...optional('refunded since', settle.refunded_usd),
  ])
  if (differences.length === 0) console.log('The receipt is right, to the nano-dollar.')
  else console.error(`The receipt is wrong:\n${differences.map((one) => `- ${one}`).join('\n')}`)
}

/** Where the money had run out, no more is due than was held. */
function atMost({ outcome, hold }: Recomputed['receipt']): string {
  return outcome === 'money_limit' ? `, at most the $${hold.amount_usd} held` : ''
}

function optional(what: string, dollars: string) {
  return /[1-9]/.test(dollars) ? [{ what, $: dollars }] : []
}

/** Picodollars as dollars, to the last place. */
function exact(pico: bigint): string {
  const text = pico.toString().padStart(13, '0')
  return `${text.slice(0, -12)}.${text.slice(-12)}`
}
