import type { Services } from '../open-services.ts'
import { UpstreamFailed } from './call-upstream.ts'
import type { Hold } from './open-hold.ts'
import type { ChatRequest } from './read-chat-request.ts'
import { settle } from './settle.ts'

/** Releases the hold of a request that got no answer: free, unless the client had left while the upstream worked. */
export async function settleFailure(
  services: Services,
  hold: Hold,
  request: ChatRequest,
  error: unknown,
  clientLeft: boolean,
): Promise<void> {
  const failed = error instanceof UpstreamFailed ? error : undefined
  await settle(services, {
    hold,
    by: failed?.last,
    attempts: failed?.attempts ?? 1,
    outcome: clientLeft ? 'client_left_before_output' : 'upstream_error',
    status: clientLeft ? 499 : (failed?.shown.status ?? 500),
    errorCode: failed?.shown.code ?? 'internal_error',
    reported: undefined,
    promptBytes: request.prompt.bytes,
    answerBytes: 0,
    most: hold.most,
  })
}
