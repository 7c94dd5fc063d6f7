import type { HttpBindings } from '@hono/node-server'
import type { RequestFacts, SettleAnswer, Settlement } from '@smartoken/prisma/ledger'
import type { Logger } from 'pino'
import { UpstreamSaid, type Fault } from '../upstreams/fault.ts'
import type { AlertCode, AlertFacts } from './alerts.ts'
import { causeText } from './cause-text.ts'
import { createMetrics, type Measured, type Metrics } from './metrics.ts'
import { requestLine } from './request-line.ts'
import { RequestRecord } from './request-record.ts'
import { trafficOf, type Traffic } from './traffic.ts'

/** An alert of one kind about one subject is logged at most this often; every one is counted. */
const REPEAT_MS = 60_000

/** What makes traces of requests. */
export interface Traces {
  readonly ended: (record: RequestRecord, status: number) => void
  /** Sends what is still to be sent. */
  readonly close: () => Promise<void>
}

/** What of a hold says whose and which request it is. */
interface HeldRequest {
  readonly requestId: string
  readonly facts: RequestFacts
}

const TOKEN_CLASSES = [
  ['input', 'input'],
  ['cachedInput', 'cached_input'],
  ['cacheWrite', 'cache_write'],
  ['output', 'output'],
  ['thinkingOutput', 'thinking_output'],
] as const

/** Told by a client that left before its answer had a status. */
const CLIENT_LEFT = 499

/** What a process tells its operator: metrics, a line a request, alerts. Nothing of it holds up or fails a request. */
export class Telemetry {
  readonly metrics: Metrics
  readonly #log: Logger
  readonly #traces: Traces | undefined
  readonly #records = new Map<string, RequestRecord>()
  readonly #alerted = new Map<string, number>()

  constructor(log: Logger, measured: Measured = {}, traces?: Traces) {
    this.#log = log
    this.#traces = traces
    this.metrics = createMetrics({
      inFlight: () => this.#records.size,
      openStreams: () => [...this.#records.values()].filter(({ stream }) => stream).length,
      ...measured,
    })
  }

  /** A request has arrived. `handled` is to be called when its handler is done; it ends when its answer is over, too. */
  begin(
    id: string,
    endpoint: string,
    { incoming, outgoing }: HttpBindings,
  ): { record: RequestRecord; handled: () => void } {
    const traceparent = incoming.headers['traceparent']
    const record = new RequestRecord(
      id,
      endpoint,
      typeof traceparent === 'string' ? traceparent : undefined,
    )
    this.#records.set(id, record)
    let waitsFor = 2
    const over = () => {
      waitsFor -= 1
      if (waitsFor > 0) return
      this.#records.delete(id)
      const status = outgoing.headersSent ? outgoing.statusCode : CLIENT_LEFT
      this.#end(record, record.ending?.status ?? status, trafficOf(incoming.socket))
    }
    if (outgoing.closed) over()
    else outgoing.once('close', over)
    return { record, handled: over }
  }

  /** The record of a request that has not ended. */
  of(requestId: string): RequestRecord | undefined {
    return this.#records.get(requestId)
  }

  /** A held request is about to be charged for how it ended. */
  settling({ requestId, facts }: HeldRequest, settlement: Settlement): void {
    const record = this.#records.get(requestId)
    if (!record) return
    record.at('settle')
    const { route, attempts, outcome, status, errorCode, usage, firstOutputAt } = settlement
    const output = firstOutputAt !== undefined
    const { modelId } = facts
    record.ending = { modelId, route, attempts, outcome, status, errorCode, usage, output }
  }

  /** A charge has become durable, perhaps after its request has ended. */
  settled({ requestId, facts }: HeldRequest, settlement: Settlement, answer: SettleAnswer): void {
    const { tokens, charge, cost, loss } = this.metrics.counters
    const record = this.#records.get(requestId)
    if (record && answer.charge !== null) record.charge = answer.charge
    for (const [field, name] of TOKEN_CLASSES)
      if (settlement.usage[field] > 0) tokens.at(facts.modelId, name).add(settlement.usage[field])
    charge.at(facts.modelId).add(Number(answer.charge ?? 0n))
    if (settlement.provider && settlement.cost > 0n)
      cost.at(settlement.provider).add(Number(settlement.cost))
    if (answer.shortfall) loss.at('shortfall').add(Number(answer.shortfall))
    if (answer.excused) loss.at('excused').add(Number(answer.excused))
  }

  /** Something an operator has to see to: an error line and a count. */
  alert(code: AlertCode, { cause, ...facts }: AlertFacts = {}): void {
    this.metrics.counters.alerts.at(code).add(1)
    const subject = `${code} ${facts.upstream ?? facts.accountId ?? ''}`
    const now = performance.now()
    if (now - (this.#alerted.get(subject) ?? -Infinity) < REPEAT_MS) return
    this.#alerted.set(subject, now)
    this.#log.error({ alert: code, ...spelled(facts), cause: causeText(cause) }, 'alert')
    this.#log.flush()
  }

  /**
   * A call of an upstream failed. Where that is ours to mend, it is an alert too. `upstream` is its id: the provider, or
   * `<provider>#<number of the key>`.
   */
  upstreamFault(upstream: string, fault: Fault, cause?: unknown): void {
    this.metrics.counters.upstreamErrors.at(upstream.split('#', 1)[0]!, fault).add(1)
    if (this.#log.isLevelEnabled('debug'))
      this.#log.debug({ upstream, fault, cause: causeText(cause) }, 'an upstream failed')
    if (fault !== 'ours') return
    const status = cause instanceof UpstreamSaid ? cause.status : undefined
    this.alert(alertFor(status), { upstream, status, cause })
  }

  /** A batch of so many calls went to the ledger and was answered, or was not. */
  batchSent(lane: string, calls: number, ms: number, answered: boolean): void {
    this.metrics.histograms.batchCalls.at(lane).observe(calls)
    if (answered) this.metrics.histograms.batchSeconds.at(lane).observe(ms / 1_000)
    else this.metrics.counters.batchesFailed.at(lane).add(1)
  }

  /** Sends the traces that are still to be sent. */
  close(): Promise<void> {
    return this.#traces?.close() ?? Promise.resolve()
  }

  #end(record: RequestRecord, status: number, traffic: Traffic): void {
    record.end()
    this.#count(record, status, traffic)
    if (this.#log.isLevelEnabled('info'))
      this.#log.info({ request: requestLine(record, status, traffic) }, 'request')
    this.#traces?.ended(record, status)
  }

  #count(record: RequestRecord, status: number, { read, written }: Traffic): void {
    const { counters, histograms } = this.metrics
    const { endpoint, ending, code, firstOutputMs } = record
    counters.requests
      .at(endpoint, ending?.modelId ?? '', String(status), ending?.outcome ?? '')
      .add(1)
    if (code) counters.refusals.at(endpoint, code).add(1)
    histograms.duration.at(endpoint).observe(record.ms / 1_000)
    histograms.bytes.at('in').observe(read)
    histograms.bytes.at('out').observe(written)
    if (!ending) return
    histograms.added.at(endpoint).observe(record.addedMs / 1_000)
    if (firstOutputMs !== undefined && ending.route)
      histograms.firstOutput.at(ending.route).observe(firstOutputMs / 1_000)
  }
}

function alertFor(status: number | undefined): AlertCode {
  if (status === 401 || status === 403) return 'upstream_key_refused'
  if (status === 402) return 'upstream_arrears'
  return status === 404 ? 'upstream_model_unknown' : 'upstream_refuses_us'
}

/** JSON has no bigint. */
const spelled = (facts: object): object =>
  Object.fromEntries(
    Object.entries(facts).map(([name, value]) => [
      name,
      typeof value === 'bigint' ? String(value) : (value as unknown),
    ]),
  )
