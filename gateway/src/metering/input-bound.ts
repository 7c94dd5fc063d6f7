/**
 * The most tokens a prompt can be. A byte-level tokenizer makes at most one token of a byte, so bytes
 * bound tokens without running a tokenizer (which can hang on long text); the allowance covers what
 * providers add around it: chat template, tool instructions.
 */
const TEMPLATE_ALLOWANCE_TOKENS = 512

/** Parts that are not text: their bytes are no measure of their tokens. */
const MEDIA_PARTS = new Set(['image_url', 'video_url', 'input_audio', 'file'])

/** What one media part counts at most, tokens: the largest documented per-image count of the vision models sold. */
export const MEDIA_PART_TOKENS = 16_384

export interface PromptSize {
  /** Bytes of the request body that are text or its JSON. */
  readonly bytes: number
  /** Upper bound of prompt tokens. */
  readonly tokens: number
  readonly mediaParts: number
}

/** Measures a request: the body's bytes less its media, plus a maximum for each media part. */
export function promptSize(messages: readonly unknown[], bodyBytes: number): PromptSize {
  let mediaParts = 0
  let mediaBytes = 0
  for (const message of messages) {
    for (const part of partsOf(message)) {
      if (!MEDIA_PARTS.has(part.type)) continue
      mediaParts += 1
      mediaBytes += Buffer.byteLength(JSON.stringify(part))
    }
  }
  const bytes = Math.max(bodyBytes - mediaBytes, 0)
  return {
    bytes,
    mediaParts,
    tokens: bytes + TEMPLATE_ALLOWANCE_TOKENS + mediaParts * MEDIA_PART_TOKENS,
  }
}

function partsOf(message: unknown): { type: string }[] {
  const content = (message as { content?: unknown } | null)?.content
  if (!Array.isArray(content)) return []
  return content.filter(
    (part): part is { type: string } =>
      typeof (part as { type?: unknown } | null)?.type === 'string',
  )
}
