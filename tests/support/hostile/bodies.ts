import { gzipSync } from 'node:zlib'
import {
  answers,
  bodyFor,
  chunk,
  completion,
  half,
  halfFor,
  head,
  PIECES,
  stream,
  typeFor,
} from './answer.ts'
import type { Behaviour, Peer } from './upstream.ts'

const MEGABYTE = 1 << 20
/** 100 kB that unpack to 100 MB. */
const bomb = gzipSync(Buffer.alloc(100 * MEGABYTE))
const emptyChunk = chunk({ delta: { content: '' } })
const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`

/** A good answer with this in the place of the text's first bytes, raw. */
const withText = (peer: Peer, bytes: Buffer): Buffer => {
  const body = Buffer.from(bodyFor(peer))
  const at = body.indexOf('你好')
  return Buffer.concat([body.subarray(0, at), bytes, body.subarray(at + bytes.length)])
}

/** A good answer in pieces of so many bytes, each a packet of its own. */
const inPacketsOf =
  (size: number): Behaviour =>
  async (peer) => {
    const body = Buffer.from(bodyFor(peer))
    await peer.write(head([typeFor(peer), `content-length: ${body.length}`]))
    for (let at = 0; at < body.length; at += size) {
      await peer.write(body.subarray(at, at + size))
      await new Promise(setImmediate)
    }
  }

/** Sends so many megabytes of this, unless nobody reads them. */
const flood =
  (
    megabytes: number,
    before: (peer: Peer) => string,
    unit: string,
    after: (peer: Peer) => string,
  ): Behaviour =>
  async (peer) => {
    const block = Buffer.from(unit.repeat(Math.ceil(MEGABYTE / unit.length)))
    await peer.write(head([typeFor(peer)]) + before(peer))
    for (let sent = 0; sent < megabytes && peer.socket.writable; sent += 1) await peer.write(block)
    peer.end(after(peer))
  }

/** Ways to fill a well-framed answer. */
export const bodies = {
  'gzip, as it says': answers((peer) => gzipSync(bodyFor(peer)), ['content-encoding: gzip']),
  'gzip, without saying so': answers((peer) => gzipSync(bodyFor(peer))),
  'text that calls itself gzip': answers(bodyFor, ['content-encoding: gzip']),
  'text that calls itself gzip a thousand times': answers(bodyFor, [
    `content-encoding: ${Array.from({ length: 1_000 }, () => 'gzip').join(', ')}`,
  ]),
  'text in an encoding nobody knows': answers(bodyFor, ['content-encoding: rot13']),
  'a byte order mark first': answers((peer) => `\uFEFF${bodyFor(peer)}`),
  'blank lines first': answers((peer) => `\n\n\r\n\n${bodyFor(peer)}`),
  'blank lines last': answers((peer) => `${bodyFor(peer)}\n\n\n`),
  'UTF-8 that is none': answers((peer) =>
    withText(peer, Buffer.from('fffec0afeda080f5', 'hex').subarray(0, 6)),
  ),
  'half a surrogate pair': answers((peer) => bodyFor(peer).replace('你好', '\\ud83d')),
  'a NUL, escaped': answers((peer) => bodyFor(peer).replace('你好', '\\u0000')),
  'a NUL, raw': answers((peer) => withText(peer, Buffer.from('\0\0\0'))),
  'packets that cut every character': inPacketsOf(1),
  'packets of two bytes': inPacketsOf(2),
  'packets of seven bytes': inPacketsOf(7),
  'everything in one packet': answers(bodyFor),
  nothing: answers(() => ''),
  'white space': answers(() => ' \n\n \r\n'),
  'half of it': answers((peer) => (peer.stream ? half : bodyFor(peer).slice(0, 300))),
  'half of it, cut in a character': answers((peer) => {
    const body = Buffer.from(peer.stream ? half : bodyFor(peer))
    return body.subarray(0, body.lastIndexOf('你') + 1)
  }),
  'an array': answers((peer) => (peer.stream ? 'data: []\n\n' : '[]')),
  'a number': answers((peer) => (peer.stream ? 'data: 1\n\n' : '1')),
  'a string': answers((peer) => (peer.stream ? 'data: "x"\n\n' : '"x"')),
  null: answers((peer) => (peer.stream ? 'data: null\n\n' : 'null')),
  'an empty object': answers((peer) => (peer.stream ? 'data: {}\n\n' : '{}')),
  'single quotes': answers((peer) =>
    peer.stream ? "data: {'choices': []}\n\n" : "{'choices': []}",
  ),
  NaN: answers((peer) => bodyFor(peer).replaceAll('1790000000', 'NaN')),
  'a number beyond all numbers': answers((peer) => bodyFor(peer).replaceAll('1790000000', '1e999')),
  '__proto__ and constructor': answers((peer) =>
    bodyFor(peer).replaceAll(
      '{"id"',
      '{"__proto__":{"choices":1},"constructor":{"prototype":{"x":1}},"id"',
    ),
  ),
  'the same member twice': answers((peer) =>
    bodyFor(peer).replaceAll('"created"', '"model":"other","created"'),
  ),
  'members nested 100,000 deep': answers((peer) =>
    peer.stream
      ? stream.replace('"object"', `"deep":${deep},"object"`)
      : JSON.stringify(completion()).replace('"object"', `"deep":${deep},"object"`),
  ),
  'a megabyte in one piece': answers((peer) =>
    bodyFor(peer).replace(PIECES[0]!, `${PIECES[0]}${'x'.repeat(MEGABYTE)}`),
  ),
} satisfies Record<string, Behaviour>

/** Ways to say too much. */
export const floods = {
  'a line of 100 MB': flood(
    100,
    (peer) => (peer.stream ? 'data: "' : '{"x":"'),
    'x',
    () => '"}\n\n',
  ),
  'a line of 100 MB after half of it': flood(
    100,
    (peer) => (peer.stream ? `${half}data: "` : halfFor(peer)),
    'x',
    () => '"}\n\n',
  ),
  '100 MB of comments, then an answer': flood(100, () => '', ': keep-alive\n\n', bodyFor),
  '100 MB of comments after half of it': flood(100, halfFor, ': keep-alive\n\n', (peer) =>
    peer.stream ? stream.slice(half.length) : '',
  ),
  '20 MB of blank lines, then an answer': flood(20, () => '', '\n', bodyFor),
  '100 MB of empty chunks, then an answer': flood(100, () => '', emptyChunk, bodyFor),
  'a gzip bomb of 100 MB': answers(() => bomb, ['content-encoding: gzip']),
  'a bomb that does not say so': answers(() => bomb),
} satisfies Record<string, Behaviour>
