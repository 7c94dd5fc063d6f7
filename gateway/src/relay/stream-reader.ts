import type { ReportedUsage } from '../metering/read-usage.ts'
import { errorInAnswer } from '../steps/upstream-error.ts'
import { AnswerRepair, type Answered } from './answer-repair.ts'
import {
  answerBytes,
  finishReasonIn,
  hasOutput,
  readChunk,
  usageIn,
  usageToShow,
  type Chunk,
} from './chunk.ts'
import { dataOf, FrameCutter, framesIn } from './frames.ts'
import { TELLING, textBytesIn } from './text-bytes.ts'

/** Bytes of one event; real ones have hundreds. */
const MOST_EVENT_BYTES = 4 * 1024 * 1024

/** What a stream has said so far. */
export interface StreamFacts {
  usage: ReportedUsage | undefined
  finishReason: string | undefined
  /** The upstream's own `[DONE]`. */
  done: boolean
  /** What the upstream said went wrong, or what is wrong with what it sends. */
  error: Error | undefined
  output: boolean
  /** Text bytes of the answer so far. */
  answerBytes: number
}

/**
 * Reads an upstream's stream in passing: returns the bytes to forward and learns what the bill needs.
 * Events that only carry content are forwarded as the bytes they came in and are not parsed; only the
 * first ones, and those with usage, a tool call, a finish reason or an error, are; and all while a quirk of their provider
 * needs it. What was read and nothing was wrong with is forwarded as it came, too.
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
  readonly #provider: string
  readonly #repair: AnswerRepair

  constructor(answered: Answered) {
    this.#provider = answered.provider
    this.#repair = new AnswerRepair(answered)
  }

  /** A finish reason that nobody knows, told to the client as another. */
  get oddFinish(): string | undefined {
    return this.#repair.oddFinish
  }

  /** How an answer that does not say so has ended. */
  get impliedFinish(): string {
    return this.#repair.impliedFinish
  }

  /** Takes a chunk and returns what of it goes to the client now. */
  push(chunk: Buffer): Buffer {
    const complete = this.#cutter.push(chunk)
    if (this.#cutter.rest.length > MOST_EVENT_BYTES)
      this.facts.error = new Error('an event without end')
    if (complete.length === 0) return complete
    if (this.facts.output && !this.#repair.readsText) {
      const bytes = textBytesIn(complete)
      if (bytes !== TELLING) {
        this.facts.answerBytes += bytes
        return complete
      }
    }
    const forward: Buffer[] = []
    for (const frame of framesIn(complete)) {
      if (this.facts.done) break // whether or not it came in the same packet
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
    const given = readChunk(data)
    return given ? this.#readChunk(given, frame) : frame
  }

  #readChunk(given: Chunk, frame: Buffer): Buffer | undefined {
    this.facts.error ??= this.#errorIn(given)
    if (this.facts.error) return undefined
    this.firstChunk ??= given
    const chunk = this.#repair.chunk(given)
    this.facts.error ??= this.#repair.error
    if (!chunk || this.facts.error) return undefined
    this.#learn(chunk)
    const usage = usageIn(chunk)
    if (!usage) return chunk === given ? frame : this.#eventOf(chunk)
    this.facts.usage = usage
    const { bot_usage: _bot, ...rest } = chunk
    this.usageChunk = { ...rest, choices: [], usage: usageToShow(usage) }
    return chunk.choices?.length ? this.#eventOf(withoutUsage(chunk)) : undefined
  }

  /** An event written anew; what is nested too deeply to be written is an error. */
  #eventOf(chunk: Chunk): Buffer | undefined {
    try {
      return Buffer.from(`data: ${JSON.stringify(chunk)}\n\n`)
    } catch (cause) {
      this.facts.error = new Error('an event that cannot be written', { cause })
      return undefined
    }
  }

  /** An event without choices may be an error, and so may be one whose status says so (MiniMax). */
  #errorIn(chunk: Chunk): Error | undefined {
    const base = chunk['base_resp'] as { status_code?: unknown } | null | undefined
    if (chunk.choices?.length && !base?.status_code) return undefined
    return errorInAnswer(this.#provider, chunk)
  }

  #learn(chunk: Chunk): void {
    this.facts.finishReason = finishReasonIn(chunk) ?? this.facts.finishReason
    this.facts.answerBytes += answerBytes(chunk)
    this.facts.output ||= hasOutput(chunk)
  }
}

/** Usage goes to the client once, in a chunk of its own, if at all. */
function withoutUsage(chunk: Chunk): Chunk {
  const { usage: _usage, bot_usage: _bot, ...rest } = chunk
  const choices = chunk.choices?.map(({ usage: _nested, ...choice }) => choice)
  return { ...rest, choices }
}
