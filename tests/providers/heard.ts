import { dataIn } from '../support/chat.ts'
import type { Said } from './said.ts'

/** What a client makes of an answer, as the most literal of them do: a stream's strings are joined, ids and names too. */
export interface Heard {
  readonly text: string
  readonly reasoning: string
  readonly calls: readonly {
    readonly id: string
    readonly name: string
    readonly arguments: string
  }[]
  readonly finish: readonly string[]
  readonly models: readonly string[]
}

interface Part {
  content?: string | null
  reasoning_content?: string | null
  reasoning?: string | null
  tool_calls?: { index?: unknown; id?: string; function: { name?: string; arguments?: string } }[]
}

interface Answer {
  model: string
  choices: { message?: Part; delta?: Part; finish_reason?: string | null }[]
}

/** What should be heard of it. */
export const heardOf = (said: Said, model: string): Heard => ({
  text: said.text.join(''),
  reasoning: said.reasoning.join(''),
  calls: said.calls.map(({ id, name, arguments: pieces }) => ({
    id,
    name,
    arguments: pieces.join(''),
  })),
  finish: [said.calls.length > 0 ? 'tool_calls' : 'stop'],
  models: [model],
})

export const heardPlain = (answer: Answer): Heard => heard([answer])

export const heardInStream = (stream: string): Heard =>
  heard(
    dataIn(stream.replaceAll('\r\n', '\n').replaceAll('\r', '\n'))
      .filter((data) => data !== '[DONE]')
      .map((data) => JSON.parse(data) as Answer),
  )

function heard(answers: readonly Answer[]): Heard {
  const choices = answers.flatMap((answer) => answer.choices)
  const parts = choices.map(({ delta, message }) => delta ?? message ?? {})
  const calls: { id: string; name: string; arguments: string }[] = []
  for (const [at, one] of parts.flatMap(({ tool_calls: some }) => some ?? []).entries()) {
    const index = choices[0]?.message ? at : one.index
    if (!Number.isInteger(index)) throw new Error(`index ${JSON.stringify(index)}`)
    const known = (calls[index as number] ??= { id: '', name: '', arguments: '' })
    known.id += one.id ?? ''
    known.name += one.function.name ?? ''
    if (known.name === '') throw new Error('arguments before a name')
    known.arguments += one.function.arguments ?? ''
  }
  const strange = parts.filter((part) => part.reasoning !== undefined)
  if (strange.length > 0) throw new Error('reasoning under another name')
  return {
    text: parts.map(({ content }) => content ?? '').join(''),
    reasoning: parts.map(({ reasoning_content: text }) => text ?? '').join(''),
    calls,
    finish: choices.flatMap(({ finish_reason: reason }) => reason ?? []),
    models: [...new Set(answers.map(({ model }) => model))],
  }
}
