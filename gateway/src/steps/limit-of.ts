import type { Model } from '@smartoken/prisma/catalog'
import type { ChatRequest } from './read-chat-request.ts'

/**
 * The limit of an answer, tokens: what the caller asked for. Where it asked for none, a plain answer gets the model's
 * default, since all of it is held for. A stream, which is held for in slices, gets all the model can answer; but not more
 * than its context has room for behind a prompt as long as this one can be, or a provider might refuse the sum.
 */
export function limitOf(model: Model, request: ChatRequest, promptTokens: number): number {
  if (request.maxTokensAsked !== undefined) return request.maxTokensAsked
  if (!request.stream) return model.defaultOutput
  return Math.max(Math.min(model.maxOutput, model.context - promptTokens), model.defaultOutput)
}
