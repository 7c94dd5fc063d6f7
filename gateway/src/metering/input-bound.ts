/**
 * The most tokens a prompt can be. A byte-level tokenizer makes at most one token of a byte, so bytes
 * bound tokens without running a tokenizer (which can hang on long text); the allowance covers what
 * providers add around it: chat template, tool instructions.
 */
const TEMPLATE_ALLOWANCE_TOKENS = 512

/** Parts whose bytes bound their tokens. Any other is media, perhaps under a provider's own name for it. */
const TEXT_PARTS = new Set(['text', 'refusal'])

/** Parts that are media for certain: their bytes are no measure of their tokens. */
const MEDIA_PARTS = new Set(['image_url', 'video_url', 'input_audio', 'file'])

/** What one image counts at most, tokens: the largest documented per-image count of the vision models sold. */
export const IMAGE_TOKENS = 16_384

export interface PromptSize {
  /** Bytes of text: every string and member name of the messages and tools, media left out. What a counted bill is made of. */
  readonly bytes: number
  /** Upper bound of the tokens of text and images. */
  readonly tokens: number
  /** Whether there are other media, whose tokens only the model's context bounds: a film's depend on its length. */
  readonly boundless: boolean
}

/** The members of a request that are its prompt. */
export interface Prompt {
  readonly messages: readonly unknown[]
  readonly tools?: unknown
  readonly functions?: unknown
  readonly response_format?: unknown
}

/** Measures a request. The bound is the body's bytes less its known media, plus a maximum for each image. */
export function promptSize(prompt: Prompt, bodyBytes: number): PromptSize {
  const { messages, tools, functions, response_format: format } = prompt
  let images = 0
  let mediaBytes = 0
  let mediaText = 0
  let boundless = false
  for (const part of messages.flatMap(partsOf)) {
    if (TEXT_PARTS.has(part.type)) continue
    if (part.type === 'image_url') images += 1
    else boundless = true
    mediaText += textBytes(part)
    if (MEDIA_PARTS.has(part.type)) mediaBytes += Buffer.byteLength(JSON.stringify(part))
  }
  const most = Math.max(bodyBytes - mediaBytes, 0) + digitsIn([tools, functions, format])
  return {
    bytes: textBytes(messages) + textBytes(tools) - mediaText,
    tokens: most + TEMPLATE_ALLOWANCE_TOKENS + images * IMAGE_TOKENS,
    boundless,
  }
}

/** UTF-8 bytes of the strings and names in a JSON value, however its JSON was written. */
function textBytes(value: unknown): number {
  if (typeof value === 'string') return Buffer.byteLength(value)
  if (typeof value !== 'object' || value === null) return 0
  if (Array.isArray(value)) return value.reduce<number>((sum, item) => sum + textBytes(item), 0)
  return Object.entries(value).reduce(
    (sum, [name, member]) => sum + Buffer.byteLength(name) + textBytes(member),
    0,
  )
}

/** Digits of the numbers in schemas: they are written anew for a provider, and `1e20` then has 21. */
function digitsIn(value: unknown): number {
  if (typeof value === 'number') return String(value).length
  if (typeof value !== 'object' || value === null) return 0
  return Object.values(value).reduce<number>((sum, member) => sum + digitsIn(member), 0)
}

/** The most prompt tokens a model with this context can be billed for. */
export const promptBound = (prompt: PromptSize, context: number): number =>
  prompt.boundless ? Math.max(prompt.tokens, context) : prompt.tokens

function partsOf(message: unknown): { type: string }[] {
  const content = (message as { content?: unknown } | null)?.content
  if (!Array.isArray(content)) return []
  return content.filter(
    (part): part is { type: string } =>
      typeof (part as { type?: unknown } | null)?.type === 'string',
  )
}
