import type { Socket } from 'node:net'

/** Bytes of one request and its answer on their connection: heads and bodies. */
export interface Traffic {
  readonly read: number
  readonly written: number
}

const NONE: Traffic = { read: 0, written: 0 }

/** What a connection had carried when its last request ended. */
const carried = new WeakMap<Socket, Traffic>()

/** What a connection has carried since its last request ended; call it once a request, at its end. */
export function trafficOf(socket: Socket): Traffic {
  const { bytesRead: read, bytesWritten: written } = socket
  const before = carried.get(socket) ?? NONE
  carried.set(socket, { read, written })
  return { read: read - before.read, written: written - before.written }
}
