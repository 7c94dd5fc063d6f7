import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import {
  APICallError,
  generateText,
  jsonSchema,
  Output,
  RetryError,
  streamText,
  tool,
  type LanguageModelUsage,
  type ToolSet,
} from 'ai'
import type { Answer, Client, Connection, Question, ShownUsage } from './client.ts'

/** Vercel's `ai` with `@ai-sdk/openai-compatible`. */
export function vercelClient({ baseURL, apiKey }: Connection): Client {
  // Usage of streams and schemas are switches of the provider's documentation, off by default.
  const provider = createOpenAICompatible({
    name: 'smartoken',
    baseURL,
    apiKey,
    includeUsage: true,
    supportsStructuredOutputs: true,
  })
  return {
    async ask(question, abortSignal) {
      const model = provider(question.model)
      return answerOf(await generateText({ ...callOf(question), model, abortSignal }))
    },
    async stream(question, { signal, onText } = {}) {
      const model = provider(question.model)
      let failure: { error: unknown } | undefined
      const result = streamText({
        ...callOf(question),
        model,
        abortSignal: signal,
        onError: ({ error }) => {
          failure ??= { error }
        },
      })
      const pieces: string[] = []
      for await (const piece of result.textStream) {
        pieces.push(piece)
        onText?.(piece)
      }
      if (failure) throw failure.error
      const [text, reasoningText, toolCalls, finishReason, usage] = await Promise.all([
        result.text,
        result.reasoningText,
        result.toolCalls,
        result.finishReason,
        result.usage,
      ])
      return { ...answerOf({ text, reasoningText, toolCalls, finishReason, usage }), pieces }
    },
    shown(error) {
      const last = RetryError.isInstance(error) ? error.lastError : error
      if (!APICallError.isInstance(last)) throw error
      const { name, statusCode: status, message, data } = last
      return { name, status, code: (data as { error?: { code?: unknown } })?.error?.code, message }
    },
  }
}

const callOf = ({ text, image, tools, json, retries }: Question) => ({
  messages: [
    {
      role: 'user' as const,
      content: [
        { type: 'text' as const, text },
        ...(image ? [{ type: 'image' as const, image: new URL(image) }] : []),
      ],
    },
  ],
  maxRetries: retries,
  ...(tools && { tools: toolSet(tools) }),
  ...(json && {
    output:
      json === 'object'
        ? Output.json()
        : Output.object({ name: 'answer', schema: jsonSchema(json) }),
  }),
})

const toolSet = (tools: NonNullable<Question['tools']>): ToolSet =>
  Object.fromEntries(
    tools.map(({ name, description, parameters }) => [
      name,
      tool({ description, inputSchema: jsonSchema(parameters) }),
    ]),
  )

interface Generated {
  readonly text: string
  readonly reasoningText: string | undefined
  readonly toolCalls: readonly { toolCallId: string; toolName: string; input: unknown }[]
  readonly finishReason: string
  readonly usage: LanguageModelUsage
}

const answerOf = (generated: Generated): Answer => ({
  text: generated.text,
  reasoning: generated.reasoningText ?? '',
  calls: generated.toolCalls.map(({ toolCallId: id, toolName: name, input }) => ({
    id,
    name,
    input,
  })),
  finish: generated.finishReason.replace('-', '_'),
  usage: usageOf(generated.usage),
})

const usageOf = (usage: LanguageModelUsage): ShownUsage => ({
  input: usage.inputTokens ?? 0,
  cached: usage.inputTokenDetails.cacheReadTokens ?? 0,
  output: usage.outputTokens ?? 0,
  reasoning: usage.outputTokenDetails.reasoningTokens ?? 0,
})
