import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { complete, lastPrompt, type SandboxRequest } from './completion.ts'
import { readDirective } from './directive.ts'
import { streamCompletion } from './stream.ts'

export interface SandboxOptions {
  /** Waits before each answer, so that a test can hold all of them back. */
  readonly beforeAnswer?: (request: SandboxRequest) => Promise<void> | void
}

export interface Sandbox {
  /** Base URL, as a provider's: `/chat/completions` follows. */
  readonly url: string
  readonly close: () => Promise<void>
}

/**
 * Starts the sandbox upstream on loopback: a server that behaves like a provider, for development
 * without provider keys and for tests. No model is called.
 */
export async function startSandbox({ beforeAnswer }: SandboxOptions = {}): Promise<Sandbox> {
  const server = createServer((incoming, out) => {
    answer(incoming, out, beforeAnswer).catch(() => out.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/v1`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

async function answer(
  incoming: IncomingMessage,
  out: ServerResponse,
  beforeAnswer: SandboxOptions['beforeAnswer'],
): Promise<void> {
  const request = JSON.parse(await textOf(incoming)) as SandboxRequest
  await beforeAnswer?.(request)
  const asked = readDirective(lastPrompt(request))
  if (asked instanceof Error) return sendError(out, 400, asked.message)
  if (asked.status)
    return sendError(out, asked.status, `The sandbox was asked for status ${asked.status}.`)
  const completion = complete(request, asked)
  if (request.stream) return streamCompletion(out, request, completion, asked)
  if (asked.cut_after !== undefined) out.destroy()
  else sendJson(out, 200, body(request, completion))
}

const body = (
  request: SandboxRequest,
  { text, reasoning, tool, finishReason, usage }: ReturnType<typeof complete>,
) => ({
  id: 'chatcmpl-sandbox',
  object: 'chat.completion',
  created: 1_700_000_000,
  model: request.model,
  choices: [
    {
      index: 0,
      message: {
        role: 'assistant',
        content: tool ? null : text,
        ...(reasoning && { reasoning_content: reasoning }),
        ...(tool && {
          tool_calls: [
            {
              id: tool.id,
              type: 'function',
              function: { name: tool.name, arguments: tool.arguments },
            },
          ],
        }),
      },
      finish_reason: finishReason,
    },
  ],
  ...(usage && { usage }),
})

const sendError = (out: ServerResponse, status: number, message: string): void =>
  sendJson(out, status, { error: { message, type: 'sandbox', param: null, code: null } })

function sendJson(out: ServerResponse, status: number, value: object): void {
  out.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))
}

async function textOf(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of incoming as AsyncIterable<Buffer>) chunks.push(chunk)
  return Buffer.concat(chunks).toString('utf8')
}
