import { z } from 'zod'
import { ApiError } from '../errors.ts'
import { promptSize, type PromptSize } from '../metering/input-bound.ts'
import { REFUSED_FIELDS } from '../providers/dialect-of.ts'
import type { Body } from './read-body.ts'

/** Loose on purpose: what we do not read, we forward. */
const chatFields = z.looseObject({
  model: z.string().min(1).max(200),
  messages: z
    .array(z.looseObject({ role: z.string() }))
    .min(1)
    .max(10_000),
  stream: z.boolean().nullish(),
  stream_options: z.looseObject({ include_usage: z.boolean().nullish() }).nullish(),
  max_tokens: z.int32().positive().nullish(),
  max_completion_tokens: z.int32().positive().nullish(),
  n: z
    .literal(1, 'only 1 is supported: each choice is billed, so send one request a choice')
    .nullish(),
  tools: z
    .array(
      z.looseObject({
        type: z.literal(
          'function',
          'only "function" tools are supported: built-in tools are billed by the provider in ways no price here covers',
        ),
      }),
    )
    .nullish(),
})

export interface ChatRequest {
  readonly model: string
  readonly stream: boolean
  /** Whether the caller asked for the usage chunk of a stream. */
  readonly usageAsked: boolean
  readonly maxTokensAsked: number | undefined
  readonly prompt: PromptSize
  /** Whether it marks what a provider is to cache, which some bill as cache writes. */
  readonly cacheControl: boolean
  /** The body as sent. */
  readonly fields: Readonly<Record<string, unknown>>
}

/** Checks the fields we read. @throws ApiError 400 naming the field. */
export function readChatRequest({ fields, bytes }: Body): ChatRequest {
  const parsed = chatFields.safeParse(fields)
  if (!parsed.success) throw invalid(parsed.error.issues[0]!)
  // Refused rather than dropped, so that nobody believes they work.
  const unpriced = REFUSED_FIELDS.find(
    (name) => fields[name] !== undefined && fields[name] !== null,
  )
  if (unpriced) {
    throw new ApiError('unsupported_parameter', {
      message: `"${unpriced}" is not supported: it changes what the provider bills in a way no price here covers. Remove it.`,
      param: unpriced,
    })
  }
  const { model, messages, tools, stream, stream_options } = parsed.data
  const { max_tokens, max_completion_tokens } = parsed.data
  return {
    model,
    stream: stream ?? false,
    usageAsked: stream_options?.include_usage ?? false,
    maxTokensAsked: max_completion_tokens ?? max_tokens ?? undefined,
    prompt: promptSize(parsed.data, bytes),
    cacheControl: marksCache(fields) || [...messages, ...(tools ?? [])].some(marksCache),
    fields,
  }
}

function invalid(issue: z.core.$ZodIssue): ApiError {
  const param = issue.path.join('.')
  const unsupported = param === 'n' || param.startsWith('tools')
  return new ApiError(unsupported ? 'unsupported_parameter' : 'invalid_request', {
    message: `${param || 'The body'}: ${issue.message}.`,
    param,
  })
}

/** Whether it, or what it has inside, asks for a cache to be written. */
const marksCache = (part: Readonly<Record<string, unknown>>): boolean =>
  [
    part,
    part['function'],
    ...(Array.isArray(part['content']) ? (part['content'] as unknown[]) : []),
  ].some((one) => typeof one === 'object' && one !== null && 'cache_control' in one)
