import { AIMessageChunk, HumanMessage, type AIMessage } from '@langchain/core/messages'
import { ChatOpenAI } from '@langchain/openai'
import type { Answer, Client, Connection, Question, ShownUsage } from './client.ts'

/** `ChatOpenAI` of `@langchain/openai`. */
export function langchainClient({ baseURL, apiKey }: Connection): Client {
  const modelFor = ({ model, retries }: Question) =>
    new ChatOpenAI({ model, apiKey, maxRetries: retries, configuration: { baseURL } })
  return {
    async ask(question, signal) {
      const options = { ...optionsOf(question), signal }
      return answerOf(await modelFor(question).invoke(messagesOf(question), options))
    },
    async stream(question, { signal, onText } = {}) {
      const pieces: string[] = []
      let whole: AIMessageChunk | undefined
      const options = { ...optionsOf(question), signal }
      for await (const chunk of await modelFor(question).stream(messagesOf(question), options)) {
        whole = whole ? whole.concat(chunk) : chunk
        if (!chunk.text) continue
        pieces.push(chunk.text)
        onText?.(chunk.text)
      }
      return { ...answerOf(whole!), pieces }
    },
    shown(error) {
      if (!(error instanceof Error)) throw error
      const { name, message } = error
      const told = error as { status?: number; code?: unknown; lc_error_code?: string }
      if (told.status === undefined && !told.lc_error_code && name === 'Error') throw error
      return { name: told.lc_error_code ?? name, status: told.status, code: told.code, message }
    },
  }
}

const messagesOf = ({ text, image }: Question) => [
  new HumanMessage(
    image
      ? {
          content: [
            { type: 'text', text },
            { type: 'image_url', image_url: { url: image } },
          ],
        }
      : text,
  ),
]

const optionsOf = ({ tools, json }: Question) => ({
  ...(tools && {
    tools: tools.map((tool) => ({ type: 'function' as const, function: { ...tool } })),
  }),
  ...(json && {
    response_format:
      json === 'object'
        ? { type: 'json_object' as const }
        : {
            type: 'json_schema' as const,
            json_schema: { name: 'answer', strict: true, schema: json },
          },
  }),
})

function answerOf(message: AIMessage | AIMessageChunk): Answer {
  const { additional_kwargs: more, response_metadata: metadata, usage_metadata: usage } = message
  return {
    text: message.text,
    reasoning: (more['reasoning_content'] as string | null | undefined) ?? '',
    calls: (message.tool_calls ?? []).map(({ id, name, args }) => ({ id: id!, name, input: args })),
    finish: metadata['finish_reason'] as string | undefined,
    usage: usage && usageOf(usage),
  }
}

const usageOf = (usage: NonNullable<AIMessage['usage_metadata']>): ShownUsage => ({
  input: usage.input_tokens,
  cached: usage.input_token_details?.cache_read ?? 0,
  output: usage.output_tokens,
  reasoning: usage.output_token_details?.reasoning ?? 0,
})
