import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import type { Context } from 'hono'
import type { GatewayContext } from './app.ts'
import { ApiError } from './errors.ts'
import type { Services } from './open-services.ts'
import { causeText } from './telemetry/cause-text.ts'

/** Answers any error in OpenAI's envelope; what is not ours to tell becomes `internal_error`. Causes are logged, never sent. */
export function answerError(
  services: Services,
  c: Context<GatewayContext>,
  error: Error,
): Response {
  const shown = error instanceof ApiError ? error : new ApiError('internal_error', { cause: error })
  services.telemetry.of(c.get('requestId'))?.refused(shown.code)
  if (shown.status >= 500 || shown.cause !== undefined) {
    services.log[shown.status >= 500 ? 'error' : 'info'](
      { requestId: c.get('requestId'), code: shown.code, cause: causeText(shown.cause) },
      'request failed',
    )
  }
  countRefusal(services, c, shown)
  // Nobody is there to read it, or the answer has begun and cutting it is all that is left to say.
  if (c.env.outgoing.destroyed || c.env.outgoing.headersSent) {
    c.env.outgoing.destroy()
    return RESPONSE_ALREADY_SENT
  }
  const caller = c.get('caller')
  return c.json(shown, shown.status as 500, {
    ...(caller && services.rateLimits.headersFor(caller.apiKeyId, services.clock.now())),
    ...shown.headers,
  })
}

/** Of a caller that is known, who would otherwise find no trace of it. */
function countRefusal(
  { refusals, clock }: Services,
  c: Context<GatewayContext>,
  { code, status }: ApiError,
): void {
  const caller = c.get('caller')
  if (!caller || c.get('admitted')) return
  const [requestId, modelAsked] = [c.get('requestId'), c.get('modelAsked')]
  refusals.add({ requestId, caller, code, status, modelAsked, at: clock.now() })
}
