import type { Exchange } from './exchange.ts'

/** Logs a provider's word for an end that we do not know: it has become OpenAI's `stop`. What is no word is not repeated. */
export function noteOddFinish({ services, call }: Exchange, reason: string): void {
  services.log.warn(
    { route: call.route.id, finishReason: /^\w{1,40}$/.test(reason) ? reason : 'other' },
    'unknown finish reason',
  )
}
