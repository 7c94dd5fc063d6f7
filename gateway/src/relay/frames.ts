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

/** Cuts complete frames apart; blank lines between them, of which there may be millions, are none. */
export function* framesIn(bytes: Buffer): Generator<Buffer> {
  let start = 0
  while (start < bytes.length) {
    if (isLineEnd(bytes[start])) {
      start += 1
      continue
    }
    const end = frameEnd(bytes, start)
    if (end === -1) return
    yield bytes.subarray(start, end)
    start = end
  }
}

/** The text of a frame's `data:` lines, or undefined for a comment. */
export function dataOf(frame: Buffer): string | undefined {
  const lines = withoutMark(frame.toString('utf8'))
    .split(/\r\n|\n|\r/)
    .filter((line) => line.startsWith('data:'))
  if (lines.length === 0) return undefined
  return lines.map((line) => line.slice(line.startsWith('data: ') ? 6 : 5)).join('\n')
}

/** A stream may begin with a byte order mark. */
const withoutMark = (text: string): string => (text.startsWith('\uFEFF') ? text.slice(1) : text)

/**
 * Where the frame that starts at `from` ends: after two line ends, each LF, CR LF or CR alone; -1 if it does not yet. A CR that
 * is the last byte may be half of a line end: it is taken for a whole one only behind another CR alone.
 */
function frameEnd(bytes: Buffer, from: number): number {
  for (let at = from; at < bytes.length; at += 1) {
    if (!isLineEnd(bytes[at])) continue
    const next = behindLineEnd(bytes, at)
    if (isLineEnd(bytes[next])) {
      const isAlone = bytes[at] === CR && next === at + 1
      const isHalf = bytes[next] === CR && next === bytes.length - 1
      return isHalf && !isAlone ? -1 : behindLineEnd(bytes, next)
    }
    at = next - 1
  }
  return -1
}

const isLineEnd = (byte: number | undefined): boolean => byte === LF || byte === CR

const behindLineEnd = (bytes: Buffer, at: number): number =>
  bytes[at] === CR && bytes[at + 1] === LF ? at + 2 : at + 1

/** Where the last complete frame ends; 0 if there is none. */
function lastFrameEnd(bytes: Buffer): number {
  if (bytes.includes(CR)) return lastEndByLines(bytes)
  for (let at = bytes.lastIndexOf(LF); at > 0; at = bytes.lastIndexOf(LF, at - 1)) {
    if (bytes[at - 1] === LF) return at + 1
  }
  return 0
}

function lastEndByLines(bytes: Buffer): number {
  let last = 0
  for (let end = frameEnd(bytes, 0); end !== -1; end = frameEnd(bytes, end)) last = end
  return last
}
