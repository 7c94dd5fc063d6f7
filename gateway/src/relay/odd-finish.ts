import type { Exchange } from './exchange.ts'

/** As finish reasons are spelled; anything else may be a text, or our key. */
const A_WORD = /^[a-z_]{1,40}$/

/** Logs a provider's word for an end that we do not know: it has become OpenAI's `stop`. What is no word is not repeated. */
export function noteOddFinish({ services, call }: Exchange, reason: string): void {
  services.log.warn(
    { route: call.route.id, finishReason: A_WORD.test(reason) ? reason : 'other' },
    'unknown finish reason',
  )
}
