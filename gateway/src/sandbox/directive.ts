import { z } from 'zod'

/**
 * What a prompt can ask of the sandbox: a message that starts with `sandbox ` and JSON, for example
 * `sandbox {"status": 429}` or `sandbox {"text": "你好", "usage": {"prompt_tokens": 10}}`.
 */
const directive = z.strictObject({
  /** Answer this HTTP status and an error body. */
  status: z.int().min(400).max(599).optional(),
  /** The answer's text. */
  text: z.string().optional(),
  /** Reasoning before it. */
  reasoning: z.string().optional(),
  /** Usage to report, over what the sandbox would count. */
  usage: z.record(z.string(), z.unknown()).optional(),
  /** Leave usage out. */
  no_usage: z.boolean().optional(),
  /** Pieces of a stream, and the wait between them, ms. */
  pieces: z.int().min(1).max(10_000).optional(),
  delay_ms: z.int().min(0).max(60_000).optional(),
  /** Break the connection after so many pieces. */
  cut_after: z.int().min(0).optional(),
})

export type Directive = z.infer<typeof directive>

/** The directive in a prompt, empty if there is none; an error that says what is wrong with it. */
export function readDirective(prompt: string): Directive | Error {
  if (!prompt.startsWith('sandbox ')) return {}
  let value: unknown
  try {
    value = JSON.parse(prompt.slice('sandbox '.length))
  } catch {
    return {}
  }
  const parsed = directive.safeParse(value)
  if (parsed.success) return parsed.data
  return new Error(`sandbox directive: ${z.prettifyError(parsed.error)}`)
}
