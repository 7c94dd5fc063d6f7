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

/** Reads one event's JSON; undefined where it is none. */
export function readChunk(data: string): Chunk | undefined {
  try {
    return chunk.safeParse(JSON.parse(data)).data
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

/** Bytes of text, reasoning and tool calls in a chunk. */
export function answerBytes(of: Chunk): number {
  let bytes = 0
  for (const { delta } of of.choices ?? []) {
    for (const part of [delta?.['content'], delta?.['reasoning_content'], delta?.['reasoning']]) {
      if (typeof part === 'string') bytes += Buffer.byteLength(part)
    }
    if (Array.isArray(delta?.['tool_calls']))
      bytes += Buffer.byteLength(JSON.stringify(delta['tool_calls']))
  }
  return bytes
}
