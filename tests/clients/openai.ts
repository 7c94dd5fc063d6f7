import OpenAI, { APIError } from 'openai'
import type { Answer, Client, Connection, Question, ShownUsage } from './client.ts'

type Body = Omit<OpenAI.ChatCompletionCreateParams, 'stream' | 'stream_options'>

/** The official `openai` package. */
export function openaiClient({ baseURL, apiKey }: Connection): Client {
  const clientFor = ({ retries }: Question) => new OpenAI({ baseURL, apiKey, maxRetries: retries })
  return {
    async ask(question, signal) {
      const { completions } = clientFor(question).chat
      return answerOf(await completions.create({ ...bodyOf(question), stream: false }, { signal }))
    },
    async stream(question, { signal, onText } = {}) {
      const { completions } = clientFor(question).chat
      const stream = completions.stream(
        { ...bodyOf(question), stream_options: { include_usage: true } },
        { signal },
      )
      const pieces: string[] = []
      let reasoning = ''
      stream.on('content', (piece) => {
        if (!piece) return // it tells of every delta that has a content, empty ones too
        pieces.push(piece)
        onText?.(piece)
      })
      stream.on('chunk', ({ choices }) => {
        for (const { delta } of choices) reasoning += reasoningIn(delta)
      })
      return { ...answerOf(await stream.finalChatCompletion()), reasoning, pieces }
    },
    shown(error) {
      if (!(error instanceof APIError)) throw error
      const { status, code, message } = error
      return { name: error.constructor.name, status, code, message }
    },
  }
}

const bodyOf = ({ model, text, image, tools, json }: Question): Body => ({
  model,
  messages: [
    {
      role: 'user',
      content: image
        ? [
            { type: 'text', text },
            { type: 'image_url', image_url: { url: image } },
          ]
        : text,
    },
  ],
  ...(tools && { tools: tools.map((tool) => ({ type: 'function', function: { ...tool } })) }),
  ...(json && { response_format: formatOf(json) }),
})

const formatOf = (json: NonNullable<Question['json']>): Body['response_format'] =>
  json === 'object'
    ? { type: 'json_object' }
    : { type: 'json_schema', json_schema: { name: 'answer', strict: true, schema: json } }

function answerOf({ choices, usage }: OpenAI.ChatCompletion): Answer {
  const { message, finish_reason: finish } = choices[0]!
  return {
    text: message.content ?? '',
    reasoning: reasoningIn(message),
    calls: (message.tool_calls ?? []).flatMap((call) =>
      call.type === 'function'
        ? { id: call.id, name: call.function.name, input: JSON.parse(call.function.arguments) }
        : [],
    ),
    finish,
    usage: usage && usageOf(usage),
  }
}

const usageOf = (usage: OpenAI.CompletionUsage): ShownUsage => ({
  input: usage.prompt_tokens,
  cached: usage.prompt_tokens_details?.cached_tokens ?? 0,
  output: usage.completion_tokens,
  reasoning: usage.completion_tokens_details?.reasoning_tokens ?? 0,
})

/** No type of the package knows it, but it hands on what it gets. */
const reasoningIn = (message: object): string =>
  (message as { reasoning_content?: string | null }).reasoning_content ?? ''
