import { z } from 'zod'

/** What we read of a chunk: loose, since it is another's. */
const chunk = z.looseObject({
  choices: z
    .array(
      z.looseObject({
        delta: z.looseObject({}).nullish(),
        finish_reason: z.string().nullish(),
        usage: z.looseObject({}).nullish(),
      }),
    )
    .nullish(),
  usage: z.looseObject({}).nullish(),
  error: z.unknown().optional(),
})

export type Chunk = z.infer<typeof chunk>

/** Reads one event's JSON, members in the order they came; undefined where it is no chunk. */
export function readChunk(data: string): Chunk | undefined {
  try {
    const value: unknown = JSON.parse(data)
    return chunk.safeParse(value).success ? (value as Chunk) : undefined
  } catch {
    return undefined
  }
}

/** Usage wherever providers put it: at the top, or (Moonshot) inside the choice. */
export const usageIn = (of: Chunk): Record<string, unknown> | undefined =>
  of.usage ?? of.choices?.find((choice) => choice.usage)?.usage ?? undefined

export const finishReasonIn = (of: Chunk): string | undefined =>
  of.choices?.find((choice) => choice.finish_reason)?.finish_reason ?? undefined

/** Output is text, reasoning or a tool call; a delta that only names the role is not. */
export const hasOutput = (of: Chunk): boolean => answerBytes(of) > 0

/** Bytes of text, reasoning and tool calls (names and arguments) in a chunk. */
export function answerBytes(of: Chunk): number {
  let bytes = 0
  for (const { delta } of of.choices ?? []) {
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
