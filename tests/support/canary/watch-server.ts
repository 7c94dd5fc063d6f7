import type { Server } from 'node:http'
import { findIn, type Finding } from './findings.ts'
import type { Secret } from './canaries.ts'

/** Longer than any secret: so much of what was sent before is looked at again with what follows. */
const TAIL = 100
/** What HTTP puts between two chunks of a body. */
const CHUNK_EDGE = /\r\n[0-9a-f]{1,8}\r\n/g
/** A prompt may come back: answers are about it. */
const UNWANTED: readonly Secret[] = ['provider key', 'api key']

/** Looks at every byte a server sends to its clients, however it is cut into writes; what it finds is added as it does. */
export function watchServer(server: Server, where: string): readonly Finding[] {
  const findings: Finding[] = []
  server.on('connection', (socket) => {
    const write = socket.write.bind(socket) as (...args: unknown[]) => boolean
    let tail = ''
    socket.write = (...args: unknown[]): boolean => {
      const [bytes] = args
      const text =
        tail +
        (typeof bytes === 'string' ? bytes : Buffer.from(bytes as Uint8Array).toString('latin1'))
      findings.push(...findIn(text.replaceAll(CHUNK_EDGE, ''), where, UNWANTED))
      tail = text.slice(-TAIL)
      return write(...args)
    }
  })
  return findings
}
