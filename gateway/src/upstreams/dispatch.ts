import type { IncomingHttpHeaders } from 'node:http'
import type { Dispatcher } from 'undici'
import type { Upstream } from './upstreams.ts'

/** What receives an answer's body. */
export interface Sink {
  /** Takes a chunk; false asks for no more until `resume`. */
  readonly data: (chunk: Buffer) => boolean
  readonly end: () => void
  /** The upstream broke off, was silent too long, or the call was aborted. */
  readonly error: (error: Error) => void
}

/** An upstream's answer, its head read and its body waiting for a sink. */
export interface UpstreamAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly read: (sink: Sink) => void
  readonly resume: () => void
  readonly abort: () => void
}

/** What an upstream is sent. */
export interface Post {
  /** Behind the base URL. */
  readonly path: string
  readonly body: string
  /** How long its head is waited for, ms. */
  readonly headMs: number
}

/**
 * POSTs JSON and resolves at the answer's head. Chunks go straight from undici's handler to the sink:
 * no web streams, nothing copied, and a full sink stops the reading. `signal` calls it off while there is no head; from
 * then on, whoever reads the answer decides.
 *
 * @throws when there is no answer: connection refused or reset, silence, `signal` aborted.
 */
export function dispatch(
  upstream: Upstream,
  { path, body, headMs }: Post,
  signal: AbortSignal,
): Promise<UpstreamAnswer> {
  const handler = new AnswerHandler(signal)
  upstream.pool.dispatch(
    {
      method: 'POST',
      path: `${upstream.path}${path}`,
      headers: {
        authorization: upstream.authorization,
        'content-type': 'application/json',
        'accept-encoding': 'identity',
      },
      body,
      headersTimeout: headMs,
    },
    handler,
  )
  return handler.head.promise
}

/** Reads a whole body. @throws when it is larger than `mostBytes`, breaks off, or `signal` is aborted. */
export function readWhole(
  answer: UpstreamAnswer,
  mostBytes: number,
  signal: AbortSignal,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', answer.abort, { once: true })
    if (signal.aborted) answer.abort()
    const chunks: Buffer[] = []
    let bytes = 0
    answer.read({
      data: (chunk) => {
        bytes += chunk.length
        if (bytes <= mostBytes) chunks.push(chunk)
        else {
          reject(new Error(`the answer is larger than ${mostBytes} bytes`))
          answer.abort()
        }
        return true
      },
      end: () => resolve(Buffer.concat(chunks)),
      error: reject,
    })
  })
}

class AnswerHandler implements Dispatcher.DispatchHandler {
  readonly head = Promise.withResolvers<UpstreamAnswer>()
  readonly #signal: AbortSignal
  #controller: Dispatcher.DispatchController | undefined
  #sink: Sink | undefined
  /** How the body ended, if it did before anyone read it. */
  #ending: ((sink: Sink) => void) | undefined
  #over = false

  constructor(signal: AbortSignal) {
    this.#signal = signal
    signal.addEventListener('abort', this.#abort, { once: true })
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    if (this.#signal.aborted) this.#abort()
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: IncomingHttpHeaders,
  ): void {
    if (status < 200) return // 1xx: the answer is still to come
    this.#signal.removeEventListener('abort', this.#abort)
    controller.pause()
    this.head.resolve({
      status,
      headers,
      read: (sink) => this.#read(sink),
      resume: () => controller.resume(),
      abort: this.#abort,
    })
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#sink && !this.#sink.data(chunk)) controller.pause()
  }

  onResponseEnd(): void {
    this.#end((sink) => sink.end())
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.head.reject(error) // without effect once there is a head
    this.#end((sink) => sink.error(error))
  }

  readonly #abort = (): void => {
    // Afterwards the connection may be another request's.
    if (!this.#over) this.#controller?.abort(new Error('aborted'))
  }

  #read(sink: Sink): void {
    this.#sink = sink
    if (this.#ending) this.#ending(sink)
    else this.#controller?.resume()
  }

  #end(ending: (sink: Sink) => void): void {
    this.#over = true
    this.#signal.removeEventListener('abort', this.#abort)
    if (this.#sink) ending(this.#sink)
    else this.#ending = ending
  }
}
