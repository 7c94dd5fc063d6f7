import type { ServerResponse } from 'node:http'
import { ApiError } from '../errors.ts'
import type { Services } from '../open-services.ts'
import { UpstreamFailed } from './call-upstream.ts'
import type { Hold } from './open-hold.ts'
import type { ChatRequest } from './read-chat-request.ts'
import { settle } from './settle.ts'

const CLIENT_LEFT = 499

/**
 * Releases the hold of a request that got no answer: free, unless the client had left while the upstream worked.
 * Returns the error as the client is to be told.
 */
export async function settleFailure(
  services: Services,
  hold: Hold,
  request: ChatRequest,
  error: unknown,
  out: ServerResponse,
): Promise<ApiError> {
  const failed = error instanceof UpstreamFailed ? error : undefined
  const shown = failed?.shown ?? new ApiError('internal_error', { cause: error })
  const status = out.headersSent ? 200 : shown.status
  await settle(services, {
    hold,
    by: failed?.last,
    attempts: failed?.attempts ?? 1,
    outcome: out.destroyed ? 'client_left_before_output' : 'upstream_error',
    status: out.destroyed ? CLIENT_LEFT : status,
    errorCode: shown.code,
    reported: undefined,
    promptBytes: request.prompt.bytes,
    answerBytes: 0,
    most: hold.most,
  })
  return shown
}
