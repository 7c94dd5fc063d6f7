import { event } from './upstream.ts'

/** An event of a streamed answer that brings text. */
export const piece = (content: string, finishReason: string | null = null): string =>
  event({ choices: [{ index: 0, delta: { content }, finish_reason: finishReason }] })

/** How a provider ends a stream: finish reason, usage, `[DONE]`. */
export const ending = (usage: object): string =>
  event({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] }) +
  event({ choices: [], usage }) +
  event('[DONE]')

/** A plain answer. */
export const plainAnswer = (usage: object): object => ({
  choices: [{ index: 0, message: { role: 'assistant', content: 'a' }, finish_reason: 'stop' }],
  usage,
})
