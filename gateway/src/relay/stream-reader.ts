import type { ReportedUsage } from '../metering/read-usage.ts'
import { answerBytes, finishReasonIn, hasOutput, readChunk, usageIn, type Chunk } from './chunk.ts'
import { dataOf, FrameCutter, framesIn } from './frames.ts'
import { textBytesIn } from './text-bytes.ts'

/** Bytes of one event; real ones have hundreds. */
const MOST_EVENT_BYTES = 4 * 1024 * 1024

/** What a stream has said so far. */
export interface StreamFacts {
  usage: ReportedUsage | undefined
  finishReason: string | undefined
  /** The upstream's own `[DONE]`. */
  done: boolean
  /** The upstream's error, sent as an event. */
  error: unknown
  output: boolean
  /** Text bytes of the answer so far. */
  answerBytes: number
}

/**
 * Reads an upstream's stream in passing: returns the bytes to forward and learns what the bill needs.
 * Events that only carry content are forwarded as the bytes they came in and are not parsed; only the
 * first ones, and those with usage, a finish reason or an error, are.
 */
export class StreamReader {
  readonly facts: StreamFacts = {
    usage: undefined,
    finishReason: undefined,
    done: false,
    error: undefined,
    output: false,
    answerBytes: 0,
  }
  /** The last usage event, for the one usage chunk a caller may have asked for. */
  usageChunk: Chunk | undefined
  /** The first event, for the chunks we have to make ourselves: they carry its id, model and time. */
  firstChunk: Chunk | undefined
  readonly #cutter = new FrameCutter()

  /** Takes a chunk and returns what of it goes to the client now. */
  push(chunk: Buffer): Buffer {
    const complete = this.#cutter.push(chunk)
    if (this.#cutter.rest.length > MOST_EVENT_BYTES) this.facts.error = 'an event without end'
    if (complete.length === 0) return complete
    if (this.facts.output && !isTelling(complete)) {
      this.facts.answerBytes += textBytesIn(complete)
      return complete
    }
    const forward: Buffer[] = []
    for (const frame of framesIn(complete)) {
      const kept = this.#read(frame)
      if (kept) forward.push(kept)
    }
    return forward.length === 1 ? forward[0]! : Buffer.concat(forward)
  }

  #read(frame: Buffer): Buffer | undefined {
    const data = dataOf(frame)
    if (data === undefined) return undefined // a comment: we send keep-alives of our own
    if (data.trim() === '[DONE]') {
      this.facts.done = true
      return undefined
    }
    const chunk = readChunk(data)
    if (!chunk) return frame
    if (chunk.error !== undefined && chunk.error !== null && !chunk.choices?.length) {
      this.facts.error = chunk.error
      return undefined
    }
    this.firstChunk ??= chunk
    this.#learn(chunk)
    const usage = usageIn(chunk)
    if (!usage) return frame
    this.facts.usage = usage
    this.usageChunk = { ...chunk, choices: [], usage }
    return chunk.choices?.length ? withoutUsage(chunk) : undefined
  }

  #learn(chunk: Chunk): void {
    this.facts.finishReason = finishReasonIn(chunk) ?? this.facts.finishReason
    this.facts.answerBytes += answerBytes(chunk)
    this.facts.output ||= hasOutput(chunk)
  }
}

/** Usage goes to the client once, in a chunk of its own, if at all. */
function withoutUsage(chunk: Chunk): Buffer {
  const { usage: _usage, ...rest } = chunk
  const choices = chunk.choices?.map(({ usage: _nested, ...choice }) => choice)
  return Buffer.from(`data: ${JSON.stringify({ ...rest, choices })}\n\n`)
}

const OPEN_BRACE = 123
const QUOTE = 34

/**
 * Whether events may say more than content. The quoted names cannot occur inside a JSON string, where
 * their quotes would be escaped; `"usage":null` and `"finish_reason":null` say nothing.
 */
function isTelling(bytes: Buffer): boolean {
  return (
    bytes.includes('[DONE]') ||
    bytes.includes('"error"') ||
    names(bytes, '"usage"', OPEN_BRACE) ||
    names(bytes, '"finish_reason"', QUOTE) ||
    bytes[0] === 58 ||
    bytes.includes('\n:')
  )
}

/** Whether `name` occurs with a value that starts with this byte. */
function names(bytes: Buffer, name: string, start: number): boolean {
  for (let at = bytes.indexOf(name); at !== -1; at = bytes.indexOf(name, at + 1)) {
    let value = at + name.length
    while (bytes[value] === 58 || bytes[value] === 32) value += 1
    if (bytes[value] === start) return true
  }
  return false
}
