const LF = 10
const CR = 13

/**
 * Cuts a byte stream into server-sent events: a frame is everything up to and with the blank line that
 * ends it. Bytes are never decoded here, so a character cut by a chunk's edge stays whole.
 */
export class FrameCutter {
  #rest: Buffer = Buffer.alloc(0)

  /** The bytes of all frames completed by this chunk, uncut; the start of the next one is kept. */
  push(chunk: Buffer): Buffer {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    const end = lastFrameEnd(bytes)
    this.#rest = bytes.subarray(end)
    return bytes.subarray(0, end)
  }

  /** Bytes of a frame that never ended. */
  get rest(): Buffer {
    return this.#rest
  }
}

/** Cuts complete frames apart. */
export function* framesIn(bytes: Buffer): Generator<Buffer> {
  let start = 0
  while (start < bytes.length) {
    const end = frameEnd(bytes, start)
    if (end === -1) return
    yield bytes.subarray(start, end)
    start = end
  }
}

/** The text of a frame's `data:` lines, or undefined for a comment. */
export function dataOf(frame: Buffer): string | undefined {
  const lines = frame
    .toString('utf8')
    .split(/\r\n|\n|\r/)
    .filter((line) => line.startsWith('data:'))
  if (lines.length === 0) return undefined
  return lines.map((line) => line.slice(line.startsWith('data: ') ? 6 : 5)).join('\n')
}

/** Where the frame that starts at `from` ends: after two line ends, LF or CR LF (no provider sends CR alone); -1 if it does not yet. */
function frameEnd(bytes: Buffer, from: number): number {
  for (let at = bytes.indexOf(LF, from); at !== -1; at = bytes.indexOf(LF, at + 1)) {
    if (bytes[at + 1] === LF) return at + 2
    if (bytes[at + 1] === CR && bytes[at + 2] === LF) return at + 3
  }
  return -1
}

/** Where the last complete frame ends; 0 if there is none. */
function lastFrameEnd(bytes: Buffer): number {
  for (let at = bytes.lastIndexOf(LF); at > 0; at = bytes.lastIndexOf(LF, at - 1)) {
    if (bytes[at - 1] === LF) return at + 1
    if (bytes[at - 1] === CR && bytes[at - 2] === LF) return at + 1
  }
  return 0
}
