import type { Draft, Message } from './draft.ts'

/** Messages in the words that every provider knows: no `developer`, and reasoning by the name all of them use. */
export function plainWords(message: Message): Message {
  if (message['role'] === 'developer') return { ...message, role: 'system' }
  if (message['role'] !== 'assistant' || message['reasoning'] === undefined) return message
  const { reasoning, ...rest } = message
  const isKept = typeof reasoning === 'string' && typeof rest['reasoning_content'] !== 'string'
  return isKept ? { ...rest, reasoning_content: reasoning } : rest
}

/** The same message with the text of its parts as one string, where it has only text and its role is this one. */
export function contentAsText(message: Message, role: string): Message {
  const { content } = message
  if (message['role'] !== role || !Array.isArray(content)) return message
  const texts = (content as { type?: unknown; text?: unknown }[]).map(({ type, text }) =>
    type === 'text' && typeof text === 'string' ? text : undefined,
  )
  return texts.includes(undefined) ? message : { ...message, content: texts.join('') }
}

/** The message without this member; itself where it has none. */
export function without(message: Message, name: string): Message {
  if (!(name in message)) return message
  const { [name]: _left, ...rest } = message
  return rest
}

/** Whether a turn of the model's says nothing: neither text nor a tool call. */
export const isEmptyTurn = ({ role, content, tool_calls }: Message): boolean =>
  role === 'assistant' &&
  (content === undefined || content === null || content === '' || isEmpty(content)) &&
  (tool_calls === undefined || tool_calls === null || isEmpty(tool_calls))

const isEmpty = (value: unknown): boolean => Array.isArray(value) && value.length === 0

/**
 * For providers that only take `tool_choice: "auto"`. A choice of none is kept by offering no tools; a forced one cannot be,
 * and becomes a free one.
 */
export function onlyAutoToolChoice(draft: Draft): void {
  const choice = draft.get('tool_choice')
  if (choice === undefined || choice === null || choice === 'auto') return
  if (choice === 'none') draft.drop('tools', 'tool_choice')
  else draft.map('tool_choice', 'auto')
}

/** For providers that do not know a function's `strict`. */
export function withoutStrictTools(draft: Draft): void {
  const tools = draft.get('tools') as readonly { function?: Record<string, unknown> }[] | undefined
  if (!tools?.some((tool) => typeof tool.function === 'object' && 'strict' in tool.function)) return
  const loose = tools.map((tool) =>
    tool.function ? { ...tool, function: without(tool.function, 'strict') } : tool,
  )
  draft.set('tools', loose)
  draft.report('strict dropped')
}
