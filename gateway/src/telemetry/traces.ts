import { setTimeout as pause } from 'node:timers/promises'
import {
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  type Attributes,
  type Link,
  type Tracer,
} from '@opentelemetry/api'
import { parseTraceParent } from '@opentelemetry/core'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { resourceFromAttributes } from '@opentelemetry/resources'
import {
  BatchSpanProcessor,
  TraceIdRatioBasedSampler,
  TracerProvider,
  type SpanExporter,
} from '@opentelemetry/sdk-trace'
import type { RequestRecord, TimedStep } from './request-record.ts'
import type { Traces } from './telemetry.ts'

/** How long a process that ends waits for its collector. */
const CLOSE_MS = 2_000

export interface TraceOptions {
  readonly exporter: SpanExporter
  /** Of how many requests a trace is kept, 0 to 1. */
  readonly ratio: number
}

/** Sends traces to an OpenTelemetry collector, by OTLP over HTTP. */
export const exporterTo = (endpoint: string): SpanExporter =>
  new OTLPTraceExporter({ url: `${endpoint.replace(/\/$/, '')}/v1/traces` })

/**
 * Makes a trace of a request when it has ended, from the times its record has: nothing is done while it runs, and nothing
 * of it goes upstream. A trace the caller is in is linked to, not continued: whether ours are kept is not theirs to say.
 */
export function openTraces({ exporter, ratio }: TraceOptions): Traces {
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ 'service.name': 'smartoken-gateway' }),
    sampler: new TraceIdRatioBasedSampler(ratio),
    spanProcessors: [new BatchSpanProcessor({ exporter })],
  })
  const tracer = provider.getTracer('smartoken')
  return {
    ended: (record, status) => traceOf(tracer, record, status),
    // A collector that is away is not waited for: its traces are lost, and nothing else is.
    close: () =>
      Promise.race([
        provider.shutdown().catch(() => {}),
        pause(CLOSE_MS, undefined, { ref: false }),
      ]),
  }
}

function traceOf(tracer: Tracer, record: RequestRecord, status: number): void {
  const wallTime = wallTimeNow()
  const root = tracer.startSpan(
    record.endpoint,
    {
      kind: SpanKind.SERVER,
      startTime: wallTime(record.arrivedAt),
      attributes: requestAttributes(record, status),
      links: linksOf(record),
    },
    ROOT_CONTEXT,
  )
  if (!root.isRecording()) return
  if (status >= 500) root.setStatus({ code: SpanStatusCode.ERROR })
  const inside = trace.setSpan(ROOT_CONTEXT, root)
  let attempt = 0
  for (const [index, timed] of record.steps.entries()) {
    if (timed.step === 'upstream') attempt += 1
    const span = tracer.startSpan(
      timed.step,
      { startTime: wallTime(timed.from), attributes: stepAttributes(timed, attempt) },
      inside,
    )
    span.end(wallTime(record.endOf(index)))
  }
  root.end(wallTime(record.arrivedAt + record.ms))
}

/** All a trace says of a request. */
const requestAttributes = (record: RequestRecord, status: number): Attributes => ({
  'http.route': record.endpoint,
  'http.response.status_code': status,
  'smartoken.request_id': record.id,
  'smartoken.model': record.ending?.modelId,
  'smartoken.route': record.ending?.route,
  'smartoken.stream': record.stream,
  'smartoken.outcome': record.ending?.outcome,
  'smartoken.code': record.code,
  'smartoken.attempts': record.ending?.attempts,
  'smartoken.first_output_ms': record.firstOutputMs,
})

const stepAttributes = ({ step, route }: TimedStep, attempt: number): Attributes =>
  step === 'upstream' ? { 'smartoken.attempt': attempt, 'smartoken.route': route } : {}

function linksOf({ traceparent }: RequestRecord): Link[] {
  const context = traceparent === undefined ? null : parseTraceParent(traceparent)
  return context ? [{ context }] : []
}

/** Tells the ms since 1970 of an instant of the monotonic clock; the clocks part in time, so it is made anew each time. */
function wallTimeNow(): (at: number) => number {
  const ahead = Date.now() - performance.now()
  return (at) => at + ahead
}
