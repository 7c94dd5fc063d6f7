import { z } from 'zod'
import { rate, usd } from '../money.ts'

/**
 * What the catalog's YAML files may contain. Strict: an unknown key is a typo, not an extension.
 * A schema's `error` completes the sentence "this field …".
 */

/** Zod gives a schema's own `error` also where the field is absent, which deserves its own word. */
const otherwise =
  (reason: string) =>
  ({ input }: { input?: unknown }): string =>
    input === undefined ? 'is missing' : reason

const text = z.string().trim().min(1, 'must not be empty')

const EXACT_DAY = /^\d{4}-\d{2}-\d{2}$/

const day = z
  .string({ error: otherwise('must be a date such as 2026-11-20') })
  .refine((value) => EXACT_DAY.test(value) && isoDay(value) === value, {
    error: 'must be a date of the calendar such as 2026-11-20',
  })

const tokens = z
  .int({ error: otherwise('must be a whole number of tokens') })
  .positive('must be above zero')

const DECIMAL = /^\d{1,6}(\.\d{1,6})?$/

const decimal = z.string({
  error: ({ input }) =>
    input === undefined
      ? 'is missing'
      : `must be a decimal string such as "0.28", not ${kindOf(input)}`,
})

const price = decimal
  .regex(DECIMAL, 'must be a decimal string such as "0.28" with at most 6 places, and not negative')
  .transform(rate)

const yuan = decimal
  .regex(/^\d(\.\d{1,9})?$/, 'must be dollars for one yuan as a decimal string such as "0.15"')
  .transform(usd)

const address = z.url({ protocol: /^https$/, error: otherwise('must be an https address') })

const source = z.strictObject({
  url: address,
  read: day,
  note: text.optional(),
})

const tier = z.strictObject({
  up_to: tokens.optional(),
  input: price,
  cached_input: price.optional(),
  cache_write: price.optional(),
  output: price,
  thinking_output: price.optional(),
})

const row = z.strictObject({
  from: day,
  window: text.optional(),
  tiers: z.array(tier).min(1, 'needs at least one tier'),
})

const cost = row.extend({ currency: z.enum(['USD', 'CNY']), source })

const route = z.strictObject({
  provider: text,
  upstream_model: text,
  parameters: z.record(z.string(), z.unknown()).default({}),
  costs: z.array(cost).min(1, 'needs at least one cost'),
})

const modality = z.enum(['text', 'image', 'audio', 'video'])

export const modelFile = z
  .strictObject({
    name: text,
    summary: text,
    sold: z.boolean(),
    updated: day,
    released: day.optional(),
    context: tokens,
    max_output: tokens,
    default_output: tokens,
    input: z.array(modality).min(1, 'needs at least one modality'),
    output: z.array(modality).min(1, 'needs at least one modality'),
    thinking: z.enum(['none', 'optional', 'always']),
    thinks_unasked: z.boolean({ error: 'must be true or false' }).optional(),
    capabilities: z.array(z.enum(['tools', 'json_object', 'json_schema'])),
    aliases: z.array(z.strictObject({ id: text, note: text.optional() })).default([]),
    prices: z.array(row).default([]),
    routes: z.array(route).default([]),
    deprecation: z.strictObject({ date: day, successor: text }).optional(),
    history: z.array(z.strictObject({ date: day, text, source: source.optional() })).default([]),
    sources: z.array(source).min(1, 'needs at least one source'),
  })
  .refine(
    ({ thinking, thinks_unasked }) => (thinking === 'optional') === (thinks_unasked !== undefined),
    {
      path: ['thinks_unasked'],
      error: 'is for models whose thinking is optional, and needed there',
    },
  )

export const providersFile = z.record(
  z.string(),
  z.strictObject({
    name: text,
    region: z.enum(['international', 'china']),
    env: z.string().regex(/^[A-Z][A-Z0-9_]*$/, 'must be the capitals its variables begin with'),
    base_url: address.regex(/[^/]$/, 'must not end in a slash'),
    pricing_url: address,
  }),
)

const HOURS = /^([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-4]):([0-5]\d)$/

export const windowsFile = z.record(
  z.string(),
  z.strictObject({
    name: text,
    zone: z.string().refine(isZone, 'must be an IANA time zone such as Asia/Shanghai'),
    weekdays: z
      .array(z.int().min(1, 'must be 1 (Monday) to 7').max(7, 'must be 1 (Monday) to 7'))
      .min(1, 'needs at least one weekday'),
    hours: z
      .array(z.string().regex(HOURS, 'must be hours such as "09:00-12:00"').transform(minutes))
      .min(1, 'needs at least one span of hours')
      .refine(isAscending, 'must be ascending, without overlap, and within one day'),
    except: z.array(day).default([]),
    source,
  }),
)

export const exchangeFile = z.strictObject({ yuan: z.strictObject({ usd: yuan, source }) })

export type ModelFile = z.infer<typeof modelFile>
export type ProvidersFile = z.infer<typeof providersFile>
export type WindowsFile = z.infer<typeof windowsFile>
export type RowFile = z.infer<typeof row>
export type TierFile = z.infer<typeof tier>
export type SourceFile = z.infer<typeof source>

/** "a number", "nothing": what was found where something else belongs. */
export function kindOf(value: unknown): string {
  if (value === null) return 'nothing'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'a group of fields'
  return typeof value === 'string' ? 'text' : `a ${typeof value}`
}

function isoDay(value: string): string | undefined {
  const date = new Date(`${value}T00:00:00Z`)
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString().slice(0, 10)
}

function isZone(zone: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: zone }).resolvedOptions().timeZone !== ''
  } catch {
    return false
  }
}

function minutes(hours: string): { from: number; until: number } {
  const [, fromHour, fromMinute, untilHour, untilMinute] = HOURS.exec(hours) ?? []
  return {
    from: Number(fromHour) * 60 + Number(fromMinute),
    until: Number(untilHour) * 60 + Number(untilMinute),
  }
}

function isAscending(hours: readonly { from: number; until: number }[]): boolean {
  return hours.every(
    ({ from, until }, at) => (hours[at - 1]?.until ?? 0) <= from && from < until && until <= 1440,
  )
}
