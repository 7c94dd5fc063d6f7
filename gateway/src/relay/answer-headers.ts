import type { OpenRoute } from '../steps/choose-routes.ts'
import type { Hold } from '../steps/open-hold.ts'

/** What every chat answer says of itself. Nothing of the upstream's own headers is passed on. */
export const answerHeaders = (hold: Hold, limitAsked: number): Record<string, string> => ({
  'x-request-id': hold.requestId,
  'x-smartoken-price': hold.price.id,
  ...(hold.limit < limitAsked && { 'x-smartoken-adjusted': `max_tokens=${hold.limit}` }),
  'cache-control': 'no-store',
  'x-robots-tag': 'noindex',
})

/** By which way it was served. */
export const routeHeaders = ({ route, upstream }: OpenRoute): Record<string, string> => ({
  'x-smartoken-route': route.id,
  ...(upstream.sandbox && { 'x-smartoken-sandbox': 'true' }),
})
