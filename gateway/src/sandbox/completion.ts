import type { Directive } from './directive.ts'

/** The part of a chat request the sandbox reads. */
export interface SandboxRequest {
  readonly model: string
  readonly messages: readonly { role: string; content?: unknown }[]
  readonly stream?: boolean
  readonly stream_options?: { include_usage?: boolean }
  readonly max_tokens?: number
  readonly max_completion_tokens?: number
  readonly tools?: readonly {
    function?: { name?: string; parameters?: { properties?: Record<string, { type?: string }> } }
  }[]
  readonly tool_choice?: unknown
  readonly response_format?: { type?: string }
  readonly thinking?: { type?: string }
  readonly enable_thinking?: boolean
}

/** A whole answer, before it is sent plain or in pieces. */
export interface Completion {
  readonly reasoning: string
  readonly text: string
  readonly tool:
    | { readonly id: string; readonly name: string; readonly arguments: string }
    | undefined
  readonly finishReason: 'stop' | 'length' | 'tool_calls'
  readonly usage: Record<string, unknown> | undefined
}

/** Four bytes a token: near enough for a sandbox, and easy to check by hand. */
const tokensIn = (text: string): number => Math.ceil(Buffer.byteLength(text) / 4)

/** What a model might answer: echoes the prompt, thinks if asked to, calls the first tool it is given. */
export function complete(request: SandboxRequest, asked: Directive): Completion {
  const prompt = lastPrompt(request)
  const reasoning =
    asked.reasoning ??
    (isThinking(request) ? 'The sandbox considers what was asked, and answers.' : '')
  const tool = toolCall(request)
  const limit = request.max_completion_tokens ?? request.max_tokens ?? Number.POSITIVE_INFINITY
  const whole = tool ? '' : (asked.text ?? textFor(request, prompt))
  const text = cut(whole, limit - tokensIn(reasoning))
  const answerTokens = tokensIn(reasoning) + tokensIn(text) + (tool ? tokensIn(tool.arguments) : 0)
  return {
    reasoning,
    text,
    tool,
    finishReason: tool ? 'tool_calls' : text.length < whole.length ? 'length' : 'stop',
    usage: asked.no_usage
      ? undefined
      : usage(
          tokensIn(JSON.stringify(request.messages)),
          answerTokens,
          tokensIn(reasoning),
          asked.usage,
        ),
  }
}

/** The text of the last user message. */
export function lastPrompt({ messages }: SandboxRequest): string {
  const content = messages.findLast((message) => message.role === 'user')?.content
  if (typeof content === 'string') return content
  if (!Array.isArray(content)) return ''
  return content.map((part: { text?: string }) => part.text ?? '').join('')
}

function textFor(request: SandboxRequest, prompt: string): string {
  if (request.response_format?.type === 'json_object') return JSON.stringify({ echo: prompt })
  return `This is the sandbox answering for ${request.model}: no model was called. You said: ${prompt}`
}

const isThinking = (request: SandboxRequest): boolean =>
  request.enable_thinking === true || request.thinking?.type === 'enabled'

function toolCall(request: SandboxRequest): Completion['tool'] {
  const tool = request.tools?.[0]?.function
  const answered = request.messages.at(-1)?.role === 'tool'
  if (!tool?.name || answered || request.tool_choice === 'none') return undefined
  const properties = Object.entries(tool.parameters?.properties ?? {})
  const values = properties.map(([name, { type }]) => [name, sampleOf(type)])
  return {
    id: 'call_00_sandbox',
    name: tool.name,
    arguments: JSON.stringify(Object.fromEntries(values)),
  }
}

function sampleOf(type: string | undefined): unknown {
  if (type === 'number' || type === 'integer') return 1
  if (type === 'boolean') return true
  return type === 'array' ? [] : type === 'object' ? {} : 'Hangzhou'
}

function cut(text: string, tokens: number): string {
  if (tokensIn(text) <= tokens) return text
  return Buffer.from(text)
    .subarray(0, Math.max(tokens, 0) * 4)
    .toString('utf8')
    .replace(/\uFFFD+$/, '')
}

function usage(prompt: number, answer: number, reasoning: number, over: Directive['usage']) {
  const counted = {
    prompt_tokens: prompt,
    completion_tokens: answer,
    prompt_tokens_details: { cached_tokens: 0 },
    completion_tokens_details: { reasoning_tokens: reasoning },
    ...over,
  }
  return {
    total_tokens: counted.prompt_tokens + counted.completion_tokens,
    ...counted,
  }
}
