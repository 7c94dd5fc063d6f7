import type { Usage } from '@smartoken/prisma/catalog'
import type { NanoUsd } from '@smartoken/prisma/money'
import type { ErrorCode } from '../errors.ts'
import type { Caller } from '../steps/authenticate.ts'

/** What a request is at, one after the other; `upstream` is once for each attempt, up to its first output. */
export type Step =
  | 'authenticate'
  | 'read'
  | 'hold'
  | 'route'
  | 'upstream'
  | 'relay'
  | 'settle'
  | 'answer'

/** Steps whose time is ours: in the others somebody else is waited for, the client or an upstream. */
const OURS: ReadonlySet<Step> = new Set<Step>(['authenticate', 'hold', 'route', 'settle'])

export interface TimedStep {
  readonly step: Step
  /** By the process's monotonic clock, ms. */
  readonly from: number
  /** Of `upstream`: the route that was tried. */
  readonly route: string | undefined
}

/** How a held request ended, as far as it is told. */
export interface RequestEnding {
  readonly modelId: string
  readonly route: string | undefined
  readonly attempts: number
  readonly outcome: string
  readonly status: number
  readonly errorCode: string | undefined
  readonly usage: Usage
  /** Whether any of its answer was there to be delivered. */
  readonly output: boolean
}

/**
 * One request from its arrival to its end: where its time went and what became of it. Only what may be told is in it:
 * no text of its body or answer, no address, no header.
 */
export class RequestRecord {
  readonly id: string
  readonly endpoint: string
  /** W3C trace context the caller sent, unchecked. */
  readonly traceparent: string | undefined
  readonly arrivedAt = performance.now()
  readonly steps: TimedStep[] = []
  #endedAt = 0
  caller: Caller | undefined
  /** Whether a stream is asked for, once that is known. */
  stream: boolean | undefined
  ending: RequestEnding | undefined
  /** nUSD; undefined until the charge is durable. */
  charge: NanoUsd | undefined
  #code: ErrorCode | undefined

  constructor(id: string, endpoint: string, traceparent: string | undefined) {
    this.id = id
    this.endpoint = endpoint
    this.traceparent = traceparent
  }

  /** From now on the request is at this step. */
  at(step: Step, route?: string): void {
    this.steps.push({ step, from: performance.now(), route })
  }

  /** An error was answered. */
  refused(code: ErrorCode): void {
    this.#code = code
  }

  /** Of the error it ended with. */
  get code(): string | undefined {
    return this.#code ?? this.ending?.errorCode
  }

  end(): void {
    this.#endedAt = performance.now()
  }

  /** From arrival to end, ms. */
  get ms(): number {
    return this.#endedAt - this.arrivedAt
  }

  /** When a step ended: as the next began. */
  endOf(index: number): number {
    return this.steps[index + 1]?.from ?? this.#endedAt
  }

  /** Our own part of the time, ms. */
  get addedMs(): number {
    let ms = 0
    for (const [index, { step, from }] of this.steps.entries())
      if (OURS.has(step)) ms += this.endOf(index) - from
    return ms
  }

  /** From arrival to the first output, ms; a plain answer's output is all there at once, before it is settled. */
  get firstOutputMs(): number | undefined {
    if (!this.ending?.output) return undefined
    const first = this.stream ? 'relay' : 'settle'
    const from = this.steps.find(({ step }) => step === first)?.from
    return from === undefined ? undefined : from - this.arrivedAt
  }
}
