import { z } from 'zod'
import { families } from '../catalog/model.ts'
import { outcomes, type Outcome } from './outcomes.ts'

/** Dollars as text, to the nano-dollar. */
const dollars = z.string().regex(/^\d{1,12}\.\d{2,9}$/, 'is not dollars as a decimal string')
/** Dollars per million tokens as text. */
const rate = z.string().regex(/^\d{1,12}\.\d{2,6}$/, 'is not a rate as a decimal string')
const count = z.int().min(0)
const instant = z.iso.datetime()

const rates = {
  input: rate,
  cached_input: rate,
  cache_write: rate,
  output: rate,
  thinking_output: rate,
}

const price = z.object({
  id: z.string(),
  valid_from: instant,
  unit: z.literal('USD per million tokens'),
  /** The hours this price is for; null where it holds at any hour that has no price of its own. */
  window: z.nullable(
    z.object({
      id: z.string(),
      /** The rule in words. */
      rule: z.string(),
      zone: z.string(),
      /** 1 = Monday. */
      weekdays: z.array(z.int().min(1).max(7)),
      /** `[from, until)` of the local day, `09:00`. */
      hours: z.array(z.object({ from: z.string(), until: z.string() })),
      /** Local dates on which the window does not apply. */
      except: z.array(z.iso.date()),
      source: z.url(),
    }),
  ),
  /** By length of the prompt; the last is open-ended. */
  tiers: z
    .array(z.object({ prompt_tokens_up_to: z.nullable(count), ...rates }))
    .refine((tiers) => tiers.at(-1)?.prompt_tokens_up_to === null, 'has no open-ended last tier'),
  /** The tier that applied, from 0 on, and why. */
  tier: count,
  tier_because: z.string(),
  source: z.object({
    /** The page that shows the price, on our site; null where the model has left the catalog. */
    page: z.nullable(z.string()),
    /** SHA-256 of the catalog it was read from. */
    catalog: z.string(),
    /** Where the provider publishes what the route costs us, and when that was read. */
    list_price: z.nullable(z.object({ route: z.string(), url: z.url(), read: z.string() })),
  }),
})

/** A receipt as it is sent, version 1. What it has beside this is kept from nobody, and read by nobody. */
export const receiptSchema = z.object({
  object: z.literal('receipt'),
  version: z.literal(1),
  request_id: z.string(),
  endpoint: z.string(),
  model: z.string(),
  /** The id the request named: the model's own or an alias. */
  model_asked: z.string(),
  /** By which way it was answered. */
  route: z.string().nullish(),
  stream: z.boolean(),
  opened_at: instant,
  finished_at: instant,
  outcome: z.enum(Object.keys(outcomes) as [Outcome, ...Outcome[]]),
  status: z.int(),
  /** What was taken from the wallet. Refunds are beside it, in `settle`. */
  charge_usd: dollars,
  price,
  usage: z.object({
    input: count,
    cached_input: count,
    cache_write: count,
    output: count,
    thinking_output: count,
  }),
  usage_source: z.enum(['provider', 'counted', 'none']),
  usage_flag: z.nullable(z.enum(['usage_missing', 'usage_implausible'])),
  /** What counted usage was made of; null where it was not counted, or its model has left the catalog. */
  counted: z.nullable(
    z.object({
      version: count,
      family: z.enum(families),
      tokens_per_kilobyte: count,
      prompt_bytes: count,
      answer_bytes: count,
      /** The most output tokens that are counted: the limit sent upstream. */
      limit: count,
    }),
  ),
  rounding: z.string(),
  hold: z.object({ amount_usd: dollars }),
  settle: z.object({
    due_usd: dollars,
    /** Of what was due, what was excused because the provider broke off. */
    excused_usd: dollars,
    /** Of what was due, what the wallet could not cover: the house bears it. */
    shortfall_usd: dollars,
    refunded_usd: dollars,
    /** Whether it was settled for a server that failed, which may still put it right. */
    provisional: z.boolean(),
  }),
  /** Whose money it was, lot by lot; absent in a stream's comment. */
  lots: z.optional(
    z.array(z.object({ lot: z.string(), kind: z.enum(['charge', 'refund']), amount_usd: dollars })),
  ),
})

/** What a request cost and why, as plain JSON: enough to work the amount out anew. */
export type Receipt = z.infer<typeof receiptSchema>

/** Something that is no receipt, or not one this version can read. */
export class ReceiptUnreadable extends Error {
  override readonly name = 'ReceiptUnreadable'
}

/** @throws ReceiptUnreadable naming the members that are wrong */
export function readReceipt(value: unknown): Receipt {
  const parsed = receiptSchema.safeParse(value)
  if (parsed.success) return parsed.data
  const wrong = parsed.error.issues.map(
    ({ path, message }) => `${path.join('.') || 'it'}: ${message}`,
  )
  throw new ReceiptUnreadable(`This is not a receipt. ${wrong.slice(0, 5).join('; ')}.`)
}
