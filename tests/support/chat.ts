import { connect, type Socket } from 'node:net'
import { PROMPT } from './canary/canaries.ts'

interface Target {
  readonly url: string
  readonly secret: string
}

/** A chat request body: one user message to a cheap model, but for what is given. */
export const sayingExactly = (content: unknown, over: object = {}) => ({
  model: 'deepseek-chat',
  messages: [{ role: 'user', content }],
  ...over,
})

/** The same, and before it what may be told to nobody but the upstream. Not where charges are worked out from bytes. */
export const saying = (content: unknown, over: object = {}) => {
  const { messages, ...body } = sayingExactly(content)
  return { ...body, messages: [{ role: 'system', content: PROMPT }, ...messages], ...over }
}

/** A prompt that tells the sandbox what to do. */
export const sandboxPrompt = (directive: object): string => `sandbox ${JSON.stringify(directive)}`

/** POSTs a chat request; a string is sent as it is. */
export const chat = (
  { url, secret }: Target,
  body: object | string,
  init: Omit<RequestInit, 'body' | 'method'> = {},
): Promise<Response> =>
  fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json' },
    ...init,
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })

/** The data of a stream's events, comments left out. */
export const dataIn = (stream: string): string[] =>
  stream
    .split('\n\n')
    .filter((frame) => frame.startsWith('data: '))
    .map((frame) => frame.slice('data: '.length))

/** The receipt comment at the end of a stream. */
export function receiptIn(stream: string): Record<string, unknown> | undefined {
  const found = /^: receipt (.*)$/m.exec(stream)?.[1]
  return found === undefined ? undefined : (JSON.parse(found) as Record<string, unknown>)
}

/** A chat request by a bare connection, for clients that read late, or never, or send odd bytes. */
export function openSocket({ url }: { url: string }, ...lines: readonly string[]): Socket {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  socket.on('error', () => {})
  socket.write(lines.join('\r\n'))
  return socket
}

/** The bytes of a chat request. */
export function wireOf({ secret }: Target, body: object): string {
  const text = JSON.stringify(body)
  return [
    'POST /v1/chat/completions HTTP/1.1',
    'host: gateway',
    `authorization: Bearer ${secret}`,
    `content-length: ${Buffer.byteLength(text)}`,
    '',
    text,
  ].join('\r\n')
}

/** Everything a connection says until it closes. */
export async function textOf(socket: Socket): Promise<string> {
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  await new Promise((resolve) => socket.once('close', resolve))
  return Buffer.concat(chunks).toString('utf8')
}
