import type { Services } from '../open-services.ts'
import type { UpstreamCall } from '../steps/call-upstream.ts'
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
