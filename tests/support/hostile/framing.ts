import {
  sendHalf,
  answers,
  bodyFor,
  chunked,
  content,
  finish,
  halfFor,
  head,
  says,
  stream,
  typeFor,
  wholeOf,
} from './answer.ts'
import type { Behaviour, Eager, Peer } from './upstream.ts'

const CHUNKED = 'transfer-encoding: chunked'
const lengthOf = (peer: Peer) => Buffer.byteLength(bodyFor(peer))
const opening = (peer: Peer, ...headers: readonly string[]) => head([typeFor(peer), ...headers])
const OTHER =
  '{"choices":[{"index":0,"message":{"content":"meant for another"},"finish_reason":"stop"}]}'

/** Ways to frame a good answer badly, or oddly. */
export const framing = {
  'a length too short': says(
    (peer) => opening(peer, `content-length: ${Buffer.byteLength(halfFor(peer))}`) + bodyFor(peer),
  ),
  'a length too long, then closes': says(
    (peer) => opening(peer, `content-length: ${lengthOf(peer) + 10}`) + bodyFor(peer),
  ),
  'two lengths that differ': says(
    (peer) =>
      opening(peer, `content-length: ${lengthOf(peer)}`, 'content-length: 5') + bodyFor(peer),
  ),
  'two lengths that agree': says(
    (peer) =>
      opening(peer, `content-length: ${lengthOf(peer)}`, `content-length: ${lengthOf(peer)}`) +
      bodyFor(peer),
  ),
  'a length and chunks': says((peer) =>
    Buffer.concat([
      Buffer.from(opening(peer, 'content-length: 5', CHUNKED)),
      chunked(bodyFor(peer)),
    ]),
  ),
  'a negative length': says((peer) => opening(peer, 'content-length: -1') + bodyFor(peer)),
  'a length that is a word': says((peer) => opening(peer, 'content-length: many') + bodyFor(peer)),
  'a length of 2^64': says(
    (peer) => opening(peer, 'content-length: 18446744073709551616') + bodyFor(peer),
  ),
  'no length, closed at the end': says((peer) => opening(peer) + bodyFor(peer)),
  'one chunk': (peer) =>
    peer.write(Buffer.concat([Buffer.from(opening(peer, CHUNKED)), chunked(bodyFor(peer))])),
  'a chunk a byte': async (peer) => {
    await peer.write(opening(peer, CHUNKED))
    for (const byte of Buffer.from(bodyFor(peer))) await peer.write(chunked(Buffer.of(byte), ''))
    await peer.write('0\r\n\r\n')
  },
  'a chunk size that is none': says((peer) => `${opening(peer, CHUNKED)}zz\r\n${bodyFor(peer)}`),
  'a chunk size that is none, after half': async (peer) => {
    await sendHalf(peer)
    peer.end('zz\r\nmore')
  },
  'a chunk size of 2^68': says(
    (peer) => `${opening(peer, CHUNKED)}FFFFFFFFFFFFFFFFF\r\n${bodyFor(peer)}`,
  ),
  'a chunk longer than its size': says(
    (peer) => `${opening(peer, CHUNKED)}5\r\n${bodyFor(peer)}\r\n0\r\n\r\n`,
  ),
  'chunk extensions of a kilobyte': says((peer) => {
    const body = bodyFor(peer)
    return `${opening(peer, CHUNKED)}${Buffer.byteLength(body).toString(16)};x=${'y'.repeat(1_000)}\r\n${body}\r\n0\r\n\r\n`
  }),
  'no last chunk': says((peer) =>
    Buffer.concat([Buffer.from(opening(peer, CHUNKED)), chunked(bodyFor(peer), '')]),
  ),
  trailers: (peer) =>
    peer.write(
      Buffer.concat([
        Buffer.from(opening(peer, CHUNKED, 'trailer: x')),
        chunked(bodyFor(peer), '0\r\nx: sk-canary\r\nstatus: 500\r\n\r\n'),
      ]),
    ),
  'an encoding nobody knows': says(
    (peer) => opening(peer, 'transfer-encoding: rot13') + bodyFor(peer),
  ),
  'line ends of LF alone': says(
    (peer) =>
      opening(peer, `content-length: ${lengthOf(peer)}`).replaceAll('\r', '') + bodyFor(peer),
  ),
  'line ends of CR alone': says(
    (peer) =>
      opening(peer, `content-length: ${lengthOf(peer)}`).replaceAll('\n', '') + bodyFor(peer),
  ),
  'a header of a megabyte': says(
    (peer) => opening(peer, `x-long: ${'x'.repeat(1 << 20)}`) + bodyFor(peer),
  ),
  'ten thousand headers': says(
    (peer) =>
      opening(peer, ...Array.from({ length: 10_000 }, (_, at) => `x-${at}: 1`)) + bodyFor(peer),
  ),
  'a header that never ends': async (peer) => {
    await peer.write('HTTP/1.1 200 OK\r\nx-long: ')
    while (peer.socket.writable) await peer.write('x'.repeat(10_000))
  },
  'a header without a colon': says((peer) => opening(peer, 'no colon here') + bodyFor(peer)),
  'a header with a NUL': says((peer) => opening(peer, 'x-nul: a\0b') + bodyFor(peer)),
  'a folded header': says((peer) => opening(peer, 'x-folded: a\r\n b') + bodyFor(peer)),
  'headers of bytes above 127': says((peer) =>
    Buffer.concat([
      Buffer.from(opening(peer, 'x-latin: \u00e9\u00ff'), 'latin1'),
      Buffer.from(bodyFor(peer)),
    ]),
  ),
  'HTTP/1.0': says((peer) => head([typeFor(peer)], '200 OK', '1.0') + bodyFor(peer)),
  'HTTP/1.7': says((peer) => head([typeFor(peer)], '200 OK', '1.7') + bodyFor(peer)),
  'HTTP/0.9: a body without a head': says(bodyFor),
  'HTTP/2 frames': says(() => Buffer.from('000012040000000000000300000064000400100000', 'hex')),
  TLS: says(() => Buffer.from('15030300020228', 'hex')),
  SSH: says(() => 'SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n'),
  'no reason behind the status': says(
    (peer) => `HTTP/1.1 200\r\n${typeFor(peer)}\r\n\r\n${bodyFor(peer)}`,
  ),
  'a status that is a word': says((peer) => head([typeFor(peer)], 'OK 200') + bodyFor(peer)),
  'a status of four digits': says((peer) => head([typeFor(peer)], '2000 OK') + bodyFor(peer)),
  'a byte a packet': async (peer) => {
    for (const byte of wholeOf(peer, bodyFor(peer))) await peer.write(Buffer.of(byte))
  },
  'an answer before the request was read': {
    eager: (peer) => peer.write(wholeOf(peer, bodyFor(peer))),
  },
  'a second answer behind the first': (peer) =>
    peer.write(Buffer.concat([wholeOf(peer, bodyFor(peer)), wholeOf(peer, OTHER)])),
  'bytes behind the answer': (peer) =>
    peer.write(Buffer.concat([wholeOf(peer, bodyFor(peer)), Buffer.from('\r\n\r\ngarbage')])),
  'connection: close, and stays open': (peer) =>
    peer.write(wholeOf(peer, bodyFor(peer), ['connection: close'])),
  'keep-alive, and closes': (peer) =>
    peer.end(wholeOf(peer, bodyFor(peer), ['connection: keep-alive', 'keep-alive: timeout=600'])),
  'no content type': (peer) =>
    peer.write(head([`content-length: ${lengthOf(peer)}`]) + bodyFor(peer)),
  'the type of the other kind': (peer) =>
    peer.write(
      head([`content-length: ${lengthOf(peer)}`, typeFor({ ...peer, stream: !peer.stream })]) +
        bodyFor(peer),
    ),
  'text/html': answers(bodyFor, ['content-type: text/html']),
  'a plain answer in the stream’s place, and the other way round': answers((peer) =>
    bodyFor({ ...peer, stream: !peer.stream }),
  ),
  'all but its last event, then closes': says((peer) =>
    Buffer.concat([
      Buffer.from(opening(peer, CHUNKED)),
      chunked(peer.stream ? content + finish : bodyFor(peer).slice(0, -1), ''),
    ]),
  ),
  'the whole body, and an open connection': async (peer) => {
    await peer.write(opening(peer, CHUNKED))
    await peer.write(chunked(peer.stream ? stream : bodyFor(peer), peer.stream ? '' : '0\r\n\r\n'))
  },
} satisfies Record<string, Behaviour | Eager>
