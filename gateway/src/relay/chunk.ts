/** What is said in a delta or a message: loose, since it is another's. */
export type Said = Readonly<Record<string, unknown>>

/** What we read of a chunk. */
export interface Chunk extends Said {
  readonly choices?:
    | readonly (Said & {
        readonly delta?: Said | null | undefined
        readonly finish_reason?: string | null | undefined
        readonly usage?: Said | null | undefined
      })[]
    | null
    | undefined
  readonly usage?: Said | null | undefined
  readonly error?: unknown
}

/** Reads one event's JSON, members in the order they came; undefined where it is no chunk. */
export function readChunk(data: string): Chunk | undefined {
  try {
    const value: unknown = JSON.parse(data)
    return isChunk(value) ? value : undefined
  } catch {
    return undefined
  }
}

function isChunk(value: unknown): value is Chunk {
  if (!isSaid(value) || !isSaidOrNone(value['usage'])) return false
  const { choices } = value
  if (choices === undefined || choices === null) return true
  return Array.isArray(choices) && choices.every(isChoice)
}

function isChoice(value: unknown): boolean {
  if (!isSaid(value)) return false
  const { delta, finish_reason: reason, usage } = value
  const isReason = reason === undefined || reason === null || typeof reason === 'string'
  return isReason && isSaidOrNone(delta) && isSaidOrNone(usage)
}

const isSaid = (value: unknown): value is Said =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const isSaidOrNone = (value: unknown): boolean =>
  value === undefined || value === null || isSaid(value)

/** Usage wherever providers put it: at the top, inside the choice (Moonshot), or as a bot's (Ark). */
export const usageIn = (of: Chunk): Said | undefined =>
  of.usage ?? of.choices?.find((choice) => choice.usage)?.usage ?? botUsageIn(of) ?? undefined

function botUsageIn({ bot_usage: usage }: Chunk): Said | undefined {
  const models = isSaid(usage) ? usage['model_usage'] : undefined
  const first: unknown = Array.isArray(models) ? models[0] : undefined
  return isSaid(first) ? first : undefined
}

/** Usage as OpenAI's clients read it: the total, and the cached tokens inside of the prompt's details, whatever they were called. */
export function usageToShow(usage: Said): Said {
  const { prompt_tokens: prompt, completion_tokens: answer, total_tokens: total } = usage
  const details = usage['prompt_tokens_details']
  const cached = usage['prompt_cache_hit_tokens'] ?? usage['cached_tokens']
  const isDetailed = isSaid(details) && details['cached_tokens'] !== undefined
  const needsTotal = total === undefined && typeof prompt === 'number' && typeof answer === 'number'
  if (!needsTotal && (isDetailed || cached === undefined)) return usage
  return {
    ...usage,
    ...(needsTotal && { total_tokens: prompt + answer }),
    ...(!isDetailed &&
      cached !== undefined && {
        prompt_tokens_details: { ...(isSaid(details) && details), cached_tokens: cached },
      }),
  }
}

export const finishReasonIn = (of: Chunk): string | undefined =>
  of.choices?.find((choice) => choice.finish_reason)?.finish_reason ?? undefined

/** Output is text, reasoning or a tool call; a delta that only names the role is not. */
export const hasOutput = (of: Chunk): boolean => answerBytes(of) > 0

/** Bytes of text, reasoning and tool calls (names and arguments) in a chunk. */
export function answerBytes({ choices }: Pick<Chunk, 'choices'>): number {
  let bytes = 0
  for (const { delta } of choices ?? []) {
    if (!delta) continue
    bytes += bytesOf(delta['content'])
    bytes += bytesOf(delta['reasoning_content']) + bytesOf(delta['reasoning'])
    bytes += callBytes(delta['tool_calls'])
  }
  return bytes
}

function callBytes(calls: unknown): number {
  let bytes = 0
  for (const call of Array.isArray(calls) ? (calls as ToolCall[]) : []) {
    bytes += bytesOf(call?.function?.name) + bytesOf(call?.function?.arguments)
  }
  return bytes
}

type ToolCall = { function?: { name?: unknown; arguments?: unknown } | null } | null

const bytesOf = (text: unknown): number => (typeof text === 'string' ? Buffer.byteLength(text) : 0)
