import type { ServerResponse } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import type { Completion, SandboxRequest } from './completion.ts'
import type { Directive } from './directive.ts'

/** Milliseconds between pieces where nothing else is asked: visibly streamed, quickly done. */
const DELAY_MS = 15

/** Sends a completion as server-sent events, in pieces, the way a provider does. */
export async function streamCompletion(
  out: ServerResponse,
  request: SandboxRequest,
  completion: Completion,
  asked: Directive,
): Promise<void> {
  const head = {
    id: 'chatcmpl-sandbox',
    object: 'chat.completion.chunk',
    created: 1_700_000_000,
    model: request.model,
  }
  const send = (event: object) => out.write(`data: ${JSON.stringify({ ...head, ...event })}\n\n`)
  const delta = (content: object, finish_reason: string | null = null) =>
    send({ choices: [{ index: 0, delta: content, finish_reason }], usage: null })

  out.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache',
  })
  delta({ role: 'assistant', content: '' })
  for (const [index, piece] of piecesOf(completion, asked).entries()) {
    if (index === asked.cut_after) {
      out.destroy()
      return
    }
    delta(piece)
    await wait(asked.delay_ms ?? DELAY_MS)
    if (out.destroyed) return
  }
  delta({}, completion.finishReason)
  if (completion.usage && request.stream_options?.include_usage)
    send({ choices: [], usage: completion.usage })
  out.end('data: [DONE]\n\n')
}

function piecesOf({ reasoning, text, tool }: Completion, asked: Directive): object[] {
  return [
    ...slices(reasoning, asked.pieces).map((part) => ({ content: null, reasoning_content: part })),
    ...(tool ? toolPieces(tool) : []),
    ...slices(text, asked.pieces).map((part) => ({ content: part })),
  ]
}

/** Id and name come first, then the arguments in fragments whose id is empty, as providers send them. */
const toolPieces = (tool: NonNullable<Completion['tool']>): object[] => [
  {
    tool_calls: [
      { index: 0, id: tool.id, type: 'function', function: { name: tool.name, arguments: '' } },
    ],
  },
  ...slices(tool.arguments).map((part) => ({
    tool_calls: [{ index: 0, function: { arguments: part } }],
  })),
]

/** Cuts text into about equal pieces, never inside a character; words where no number is asked. */
function slices(text: string, pieces?: number): string[] {
  if (pieces === undefined) return text.match(/\S+\s*|\s+/g) ?? []
  const characters = [...text]
  const size = Math.ceil(characters.length / pieces) || 1
  return Array.from({ length: Math.ceil(characters.length / size) }, (_, at) =>
    characters.slice(at * size, (at + 1) * size).join(''),
  )
}
