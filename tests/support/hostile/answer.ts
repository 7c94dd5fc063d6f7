import type { Behaviour, Peer } from './upstream.ts'

/**
 * What every behaviour would say if it behaved: 1,000 bytes of text in ten pieces, and usage of 300 and 200 tokens. The
 * text is counted as 150 tokens where usage is not to be believed.
 */
export const PIECES: readonly string[] = Array.from(
  { length: 10 },
  () => `${'你好'.repeat(16)}Now!`,
)
export const TEXT = PIECES.join('')

export const USAGE = { prompt_tokens: 300, completion_tokens: 200, total_tokens: 500 }

const envelope = { id: 'chat-1', created: 1_790_000_000, model: 'upstream-model' }

/** A plain answer; `over` goes over its top level, `choice` over its choice, `message` over its message. */
export const completion = ({ over = {}, choice = {}, message = {} } = {}): Record<
  string,
  unknown
> => ({
  ...envelope,
  object: 'chat.completion',
  choices: [
    {
      index: 0,
      message: { role: 'assistant', content: TEXT, ...message },
      finish_reason: 'stop',
      ...choice,
    },
  ],
  usage: USAGE,
  ...over,
})

export const event = (value: unknown): string =>
  `data: ${typeof value === 'string' ? value : JSON.stringify(value)}\n\n`

/** A chunk of a stream with this choice. */
export const chunk = (choice: object, over: object = {}): string =>
  event({
    ...envelope,
    object: 'chat.completion.chunk',
    choices: [{ index: 0, finish_reason: null, ...choice }],
    ...over,
  })

export const role = chunk({ delta: { role: 'assistant', content: '' } })
export const pieces = PIECES.map((content) => chunk({ delta: { content } }))
export const half = role + pieces.slice(0, 5).join('')
export const finish = chunk({ delta: {}, finish_reason: 'stop' })
export const usageChunk = (usage: unknown = USAGE): string =>
  event({ ...envelope, object: 'chat.completion.chunk', choices: [], usage })
export const DONE = event('[DONE]')
export const content = role + pieces.join('')

/** A stream that behaves. */
export const stream = content + finish + usageChunk() + DONE

/** The body of an answer that behaves, plain or streamed as it was asked for. */
export const bodyFor = (peer: Peer): string => (peer.stream ? stream : JSON.stringify(completion()))

/** A head, with a header that is nobody's business. */
export const head = (headers: readonly string[] = [], status = '200 OK', version = '1.1'): string =>
  [`HTTP/${version} ${status}`, 'x-upstream-account: sk-canary', ...headers, '', ''].join('\r\n')

export const typeFor = (peer: Peer): string =>
  `content-type: ${peer.stream ? 'text/event-stream' : 'application/json'}`

/** Bytes in HTTP's chunks. */
export const chunked = (body: string | Buffer, end = '0\r\n\r\n'): Buffer => {
  const bytes = Buffer.from(body)
  return Buffer.concat([
    Buffer.from(`${bytes.length.toString(16)}\r\n`),
    bytes,
    Buffer.from(`\r\n${end}`),
  ])
}

/** A whole answer of one body: framed by its length, connection kept. */
export const wholeOf = (
  peer: Peer,
  body: string | Buffer,
  headers: readonly string[] = [],
  status?: string,
): Buffer =>
  Buffer.concat([
    Buffer.from(
      head([typeFor(peer), `content-length: ${Buffer.byteLength(body)}`, ...headers], status),
    ),
    Buffer.from(body),
  ])

/** Answers properly, with whatever body. */
export const answers =
  (
    bodyOf: (peer: Peer) => string | Buffer,
    headers: readonly string[] = [],
    status?: string,
  ): Behaviour =>
  (peer) =>
    peer.write(wholeOf(peer, bodyOf(peer), headers, status))

/** Answers a request as it should be. */
export const honest: Behaviour = answers(bodyFor)

/** Says exactly these bytes and closes. */
export const says =
  (bytesOf: (peer: Peer) => string | Uint8Array): Behaviour =>
  (peer) =>
    peer.end(bytesOf(peer))

/** Sends the first part of a stream, and the rest when the client has it; a plain answer at once. */
export const inTwo =
  (first: string, rest: string, plain: string | Record<string, unknown>): Behaviour =>
  async (peer) => {
    if (!peer.stream) {
      return peer.write(wholeOf(peer, typeof plain === 'string' ? plain : JSON.stringify(plain)))
    }
    await peer.write(head([typeFor(peer), 'transfer-encoding: chunked']))
    await peer.write(chunked(first, ''))
    await peer.heard
    await peer.write(chunked(rest))
  }

/** Half of a good answer: of a stream its first five pieces, of a plain one a part of its text. */
export const halfFor = (peer: Peer): string => (peer.stream ? half : bodyFor(peer).slice(0, 300))

/** Sends the head and half of a good answer, in chunks; resolves when a stream's client has it. */
export async function sendHalf(peer: Peer): Promise<void> {
  await peer.write(head([typeFor(peer), 'transfer-encoding: chunked']))
  await peer.write(chunked(halfFor(peer), ''))
  if (peer.stream) await peer.heard
}
