import { bodyFor, head, sendHalf, typeFor, wholeOf } from './answer.ts'
import type { Behaviour, Eager, Peer } from './upstream.ts'

const opening = (peer: Peer) => head([typeFor(peer), 'transfer-encoding: chunked'])
/** A moment, so that what was written is read before it. Where it is not, it comes to the same. */
const later = (act: () => void) => void setTimeout(act, 30)

/** Ways to treat a connection. */
export const connections = {
  'closes at once': (peer) => peer.end(),
  'resets at once': (peer) => peer.reset(),
  'resets before the request is read': { eager: (peer) => peer.reset() },
  'closes within the status line': (peer) => peer.end('HTTP/1.1 2'),
  'resets within the head': async (peer) => {
    await peer.write('HTTP/1.1 200 OK\r\ncontent-type: appl')
    later(() => peer.reset())
  },
  'closes behind the head': (peer) => peer.end(opening(peer)),
  'resets behind the head': async (peer) => {
    await peer.write(opening(peer))
    later(() => peer.reset())
  },
  'resets in the middle of the body': async (peer) => {
    await sendHalf(peer)
    later(() => peer.reset())
  },
  'closes in the middle of the body': async (peer) => {
    await sendHalf(peer)
    later(() => peer.end())
  },
  'resets behind the last byte but one': async (peer) => {
    const whole = wholeOf(peer, bodyFor(peer))
    await peer.write(whole.subarray(0, -1))
    later(() => peer.reset())
  },
  'closes its half at once, and answers nothing': (peer) => {
    peer.socket.allowHalfOpen = true
    peer.socket.end()
  },
  'resets the connection when it is used again': async (peer) => {
    if (peer.nth > 1) return peer.reset()
    await peer.write(wholeOf(peer, bodyFor(peer)))
  },
} satisfies Record<string, Behaviour | Eager>
