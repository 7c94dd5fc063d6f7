import { ApiError } from '../errors.ts'
import type { Services } from '../open-services.ts'
import { UpstreamFailed, type UpstreamCall } from '../steps/call-upstream.ts'
import type { Hold } from '../steps/open-hold.ts'
import type { ChatRequest } from '../steps/read-chat-request.ts'
import type { Patience } from './patience.ts'

/** One admitted request and the upstream's answer to it. */
export interface Exchange {
  readonly services: Services
  readonly request: ChatRequest
  readonly hold: Hold
  readonly call: UpstreamCall
  readonly patience: Patience
  /** The limit the caller asked for or the model's default, tokens. */
  readonly limitAsked: number
}

/** An answer this process can wait for no longer, before any of it was passed on. */
export const calledOff = ({ call }: Exchange): UpstreamFailed =>
  new UpstreamFailed(new ApiError('server_restarting'), call.attempts, call)

/** An answer that began and came to nothing before any of it was passed on. */
export const answerFailed = ({ call }: Exchange, cause: unknown): UpstreamFailed =>
  new UpstreamFailed(
    new ApiError('upstream_unavailable', { cause, headers: { 'retry-after': '5' } }),
    call.attempts,
    call,
  )
