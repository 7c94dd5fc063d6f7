import type { Model } from '@smartoken/prisma/catalog'
import { ApiError } from '../errors.ts'
import type { ChatRequest } from './read-chat-request.ts'

/** Refuses what this model's price does not cover. @throws ApiError 400 naming the field */
export function refuseUnpriced(model: Model, request: ChatRequest): void {
  if (!request.cacheControl || sellsCacheWrites(model)) return
  throw new ApiError('unsupported_parameter', {
    message: `"cache_control" is not supported with ${model.id}: its price has no cache writes. Remove it; prompts that repeat are cached by themselves.`,
    param: 'messages',
  })
}

/** A cache write costs providers more than plain input, so one priced as input is one not sold. */
const sellsCacheWrites = ({ prices }: Model): boolean =>
  prices.every(({ tiers }) => tiers.every(({ rates }) => rates.cacheWrite > rates.input))
