import type { Logger } from 'pino'
import type { Fault } from '../upstreams/fault.ts'
import type { AlertCode, AlertFacts } from './alerts.ts'
import { causeText } from './cause-text.ts'
import { createMetrics, type Metrics } from './metrics.ts'

/** An alert of one kind about one subject is logged at most this often; every one is counted. */
const REPEAT_MS = 60_000

/** What a process tells its operator: metrics, alerts. Nothing of it holds up or fails a request. */
export class Telemetry {
  readonly metrics: Metrics = createMetrics()
  readonly #log: Logger
  readonly #alerted = new Map<string, number>()

  constructor(log: Logger) {
    this.#log = log
  }

  /** Something an operator has to see to: an error line and a count. */
  alert(code: AlertCode, { cause, ...facts }: AlertFacts = {}): void {
    this.metrics.counters.alerts.inc({ code })
    const subject = `${code} ${facts.upstream ?? facts.accountId ?? ''}`
    const now = performance.now()
    if (now - (this.#alerted.get(subject) ?? -Infinity) < REPEAT_MS) return
    this.#alerted.set(subject, now)
    this.#log.error({ alert: code, ...spelled(facts), cause: causeText(cause) }, 'alert')
  }

  /**
   * A call of an upstream failed. Where that is ours to mend, it is an alert too. `upstream` is its id: the provider, or
   * `<provider>#<number of the key>`.
   */
  upstreamFault(
    upstream: string,
    fault: Fault,
    facts: Pick<AlertFacts, 'requestId' | 'status' | 'cause'> = {},
  ): void {
    this.metrics.counters.upstreamErrors.inc({ provider: upstream.split('#', 1)[0]!, fault })
    if (fault === 'ours') this.alert(alertFor(facts.status), { upstream, ...facts })
  }

  /** A batch of so many calls went to the ledger and was answered, or was not. */
  batchSent(lane: string, calls: number, ms: number, answered: boolean): void {
    this.metrics.histograms.batchCalls.observe({ lane }, calls)
    if (answered) this.metrics.histograms.batchSeconds.observe({ lane }, ms / 1_000)
    else this.metrics.counters.batchesFailed.inc({ lane })
  }

  streamOpened(): void {
    this.metrics.gauges.openStreams.inc()
  }

  streamClosed(): void {
    this.metrics.gauges.openStreams.dec()
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
