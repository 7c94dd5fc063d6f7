import type { Model } from '@smartoken/prisma/catalog'

/** How hard a model is asked to think, in OpenAI's words and the two that others added. */
export type Effort = 'minimal' | 'low' | 'medium' | 'high' | 'xhigh' | 'max'

/** What a request comes to about thinking, whichever provider will answer it. */
export interface Thinking {
  readonly on: boolean
  readonly effort: Effort | undefined
  /** The most tokens of reasoning asked for. */
  readonly budget: number | undefined
}

/** The fields by which thinking may be asked for. They mean one thing; each provider is told it in its own way. */
export const THINKING_FIELDS = [
  'thinking',
  'enable_thinking',
  'reasoning_effort',
  'thinking_budget',
] as const

const EFFORTS: ReadonlySet<unknown> = new Set<Effort>([
  'minimal',
  'low',
  'medium',
  'high',
  'xhigh',
  'max',
])

type Fields = Readonly<Record<string, unknown>>

/**
 * Whether and how a model is to think for a request. A model that can do both does what is asked and, where nothing is, what
 * its catalog entry says: the same by every route, since it decides what is held. What is no value of a field is not heard.
 */
export function thinkingOf(
  { thinking, thinksUnasked }: Pick<Model, 'thinking' | 'thinksUnasked'>,
  fields: Fields,
): Thinking {
  const wanted = asked(fields)
  const effort = EFFORTS.has(fields['reasoning_effort'])
    ? (fields['reasoning_effort'] as Effort)
    : undefined
  return {
    on: thinking === 'optional' ? (wanted ?? thinksUnasked) : thinking === 'always',
    // What always thinks and is told not to does the least it can.
    effort: thinking === 'always' && wanted === false ? 'minimal' : effort,
    budget:
      tokens(fields['thinking_budget']) ?? tokens(members(fields['thinking'])['budget_tokens']),
  }
}

/** The first field that says so decides. */
function asked(fields: Fields): boolean | undefined {
  const { type } = members(fields['thinking'])
  if (type === 'disabled') return false
  if (type === 'enabled' || type === 'adaptive' || type === 'auto') return true
  const { enable_thinking: enabled, reasoning_effort: effort } = fields
  if (typeof enabled === 'boolean') return enabled
  if (effort === 'none') return false
  return EFFORTS.has(effort) ? true : undefined
}

const tokens = (value: unknown): number | undefined =>
  Number.isSafeInteger(value) && (value as number) > 0 ? (value as number) : undefined

const members = (value: unknown): Fields =>
  typeof value === 'object' && value !== null ? (value as Fields) : {}
