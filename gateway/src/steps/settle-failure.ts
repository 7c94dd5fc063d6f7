import { ApiError } from '../errors.ts'
import type { Services } from '../open-services.ts'
import type { Patience } from '../relay/patience.ts'
import { UpstreamFailed } from './answer-from.ts'
import type { Hold } from './open-hold.ts'
import type { ChatRequest } from './read-chat-request.ts'
import { settle } from './settle.ts'

const CLIENT_LEFT = 499

/** A held request that got no answer. */
export interface Failure {
  readonly hold: Hold
  readonly request: ChatRequest
  readonly patience: Patience
  readonly error: unknown
  /** Whether its head has been written, so that its status is 200 whatever the error. */
  readonly begun: boolean
}

/**
 * Releases the hold of a request that got no answer: free, unless the upstream was let go of because the client had left.
 * Returns the error as the client is to be told.
 */
export async function settleFailure(services: Services, failure: Failure): Promise<ApiError> {
  const { hold, request, patience, error, begun } = failure
  const failed = error instanceof UpstreamFailed ? error : undefined
  const shown = shownError(failed, patience, error)
  await settle(services, {
    hold,
    by: failed?.last,
    attempts: failed?.attempts ?? 1,
    outcome: outcomeOf(patience),
    status: patience.left ? CLIENT_LEFT : begun ? 200 : shown.status,
    errorCode: shown.code,
    reported: undefined,
    promptBytes: request.prompt.bytes,
    answerBytes: 0,
    most: hold.most,
  })
  return shown
}

function outcomeOf({ left, lost }: Patience) {
  if (!lost) return 'upstream_error'
  return left ? 'client_left_before_output' : 'shutdown'
}

function shownError(
  failed: UpstreamFailed | undefined,
  { left, lost }: Patience,
  cause: unknown,
): ApiError {
  if (lost && !left) return new ApiError('server_restarting', { cause, headers: RETRY })
  return failed?.shown ?? new ApiError('internal_error', { cause })
}

const RETRY = { 'retry-after': '1' }
