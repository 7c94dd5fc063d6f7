import type { Model, Route } from '@smartoken/prisma/catalog'
import type { Caller } from '../steps/authenticate.ts'
import type { ChatRequest } from '../steps/read-chat-request.ts'
import { dialectOf } from '../providers/dialect-of.ts'

/**
 * Tokens that can be billed for each token of the limit: 2 where thinking is on and has a budget of
 * its own, which is set to the limit.
 */
export const outputPerLimit = (model: Model, request: ChatRequest): 1 | 2 =>
  model.routes.some((route) => dialectOf(route.provider).thinkingBudget) && thinks(model, request)
    ? 2
    : 1

/** What a provider is asked. */
export interface UpstreamBody {
  readonly body: string
  /** What of the request was dropped or mapped for it, in words for a header. */
  readonly adjusted: readonly string[]
}

/**
 * The body a provider gets: the caller's fields as they came, with the model's name there, our limit in
 * the provider's field, usage asked for, and what the route always sets.
 */
export function upstreamBody(
  model: Model,
  route: Route,
  request: ChatRequest,
  limit: number,
  _caller: Caller,
): UpstreamBody {
  const { max_tokens, max_completion_tokens, stream_options, ...fields } = request.fields
  const dialect = dialectOf(route.provider)
  const body = JSON.stringify({
    ...fields,
    ...(dialect.thinkingBudget && thinkingFields(model, request, limit)),
    ...route.parameters,
    model: route.upstreamModel,
    [dialect.limitField]: limit,
    // Asked for whether or not the caller does: it is what the request is billed by.
    ...(request.stream && {
      stream_options: { ...(stream_options as object), include_usage: true },
    }),
  })
  return { body, adjusted: [] }
}

function thinkingFields(model: Model, { fields }: ChatRequest, limit: number) {
  // Not sent, whatever was asked: nothing is held for it.
  if (model.thinking === 'none') return { enable_thinking: undefined, thinking_budget: undefined }
  if (model.thinking === 'always') return { thinking_budget: budget(fields, limit) }
  // Said either way: models of this provider differ in what they do when it is not.
  if (fields['enable_thinking'] !== true) return { enable_thinking: false }
  return { enable_thinking: true, thinking_budget: budget(fields, limit) }
}

const thinks = (model: Model, { fields }: ChatRequest): boolean =>
  model.thinking === 'always' ||
  (model.thinking === 'optional' && fields['enable_thinking'] === true)

function budget(fields: ChatRequest['fields'], limit: number): number {
  const asked = fields['thinking_budget']
  return Number.isInteger(asked) && (asked as number) > 0 ? Math.min(asked as number, limit) : limit
}
