import { setTimeout as wait } from 'node:timers/promises'
import { bodyFor, chunked, halfFor, head, sendHalf, typeFor, wholeOf } from './answer.ts'
import type { Behaviour, Peer } from './upstream.ts'

const PAUSE_MS = 300
const opening = (peer: Peer) => head([typeFor(peer), 'transfer-encoding: chunked'])

/** What of a good answer follows its half. */
const restFor = (peer: Peer): string => bodyFor(peer).slice(halfFor(peer).length)

/** Ways to be slow, but not for too long. */
export const timing = {
  'a pause before the head': async (peer) => {
    await wait(PAUSE_MS)
    await peer.write(wholeOf(peer, bodyFor(peer)))
  },
  'a pause behind the head': async (peer) => {
    await peer.write(opening(peer))
    await wait(PAUSE_MS)
    await peer.write(chunked(bodyFor(peer)))
  },
  'a pause within the head': async (peer) => {
    await peer.write('HTTP/1.1 200 OK\r\ncontent-ty')
    await wait(PAUSE_MS)
    await peer.write(
      `pe: text/plain\r\ncontent-length: ${Buffer.byteLength(bodyFor(peer))}\r\n\r\n`,
    )
    await peer.write(bodyFor(peer))
  },
  'a pause in the middle': async (peer) => {
    await sendHalf(peer)
    await wait(PAUSE_MS)
    await peer.write(chunked(restFor(peer)))
  },
  'a pause before the last byte': async (peer) => {
    const whole = wholeOf(peer, bodyFor(peer))
    await peer.write(whole.subarray(0, -1))
    await wait(PAUSE_MS)
    await peer.write(whole.subarray(-1))
  },
  'a byte of the head every 5 ms': async (peer) => {
    for (const byte of Buffer.from(opening(peer))) {
      await peer.write(Buffer.of(byte))
      await wait(5)
    }
    await peer.write(chunked(bodyFor(peer)))
  },
  'signs of life for a while, then an answer': async (peer) => {
    await peer.write(opening(peer))
    for (let sent = 0; sent < 30; sent += 1) {
      await peer.write(chunked(peer.stream ? ': keep-alive\n\n' : '\n', ''))
      await wait(10)
    }
    await peer.write(chunked(bodyFor(peer)))
  },
} satisfies Record<string, Behaviour>
