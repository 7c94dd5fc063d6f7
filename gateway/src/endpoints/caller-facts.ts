import type { IncomingMessage } from 'node:http'
import type { Model } from '@smartoken/prisma/catalog'
import type { RequestFacts } from '@smartoken/prisma/ledger'
import type { ChatRequest } from '../steps/read-chat-request.ts'

/** What a request row keeps of the caller: never the prompt. */
export function callerFacts(
  incoming: IncomingMessage,
  endpoint: string,
  model: Model,
  request: ChatRequest,
): RequestFacts {
  // SDKs made with Stainless (OpenAI's among them) say which attempt this is.
  const retries = Number(incoming.headers['x-stainless-retry-count'])
  return {
    endpoint,
    modelId: model.id,
    modelAsked: request.model,
    stream: request.stream,
    promptBytes: request.prompt.bytes,
    maxTokensAsked: request.maxTokensAsked,
    network: incoming.socket.remoteAddress,
    userAgent: incoming.headers['user-agent']?.slice(0, 200),
    clientRetries:
      Number.isInteger(retries) && retries >= 0 && retries < 1_000 ? retries : undefined,
  }
}
