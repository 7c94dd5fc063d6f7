import { rateLimitHeaders } from '../rate-limits.ts'
import type { OpenRoute } from '../steps/choose-routes.ts'
import type { Hold } from '../steps/open-hold.ts'

/**
 * What every chat answer says of itself, and what was changed about its request: the limit, if the wallet did not afford
 * what was asked, what the provider does not take, and which model answers where an alias means another elsewhere. Nothing of the upstream's own headers is passed on.
 */
export function answerHeaders(
  hold: Hold,
  limitAsked: number,
  adjusted: readonly string[],
): Record<string, string> {
  const limited = hold.limit < limitAsked ? [`max_tokens=${hold.limit}`] : []
  const changes = [...limited, ...adjusted].join(', ')
  return {
    'x-request-id': hold.requestId,
    'x-smartoken-price': hold.price.id,
    ...(changes && { 'x-smartoken-adjusted': changes }),
    ...(hold.alias?.note && { 'x-smartoken-alias': `${hold.facts.modelId}: ${hold.alias.note}` }),
    ...rateLimitHeaders(hold.limits),
    'cache-control': 'no-store',
    'x-robots-tag': 'noindex',
  }
}

/** By which way it was served. */
export const routeHeaders = ({ route, upstream }: OpenRoute): Record<string, string> => ({
  'x-smartoken-route': route.id,
  ...(upstream.sandbox && { 'x-smartoken-sandbox': 'true' }),
})
