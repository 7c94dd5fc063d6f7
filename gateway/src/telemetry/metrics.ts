import { Counter, Gauge, Histogram, Registry, type Metric } from 'prom-client'
import { alertCodes } from './alerts.ts'
import { counters, gauges, histograms } from './metric-table.ts'

type LabelsOf<Row> = Row extends readonly [string, string, infer Labels, ...unknown[]]
  ? Labels extends readonly (infer Label extends string)[]
    ? Label
    : never
  : never

/** What is read at each scrape. */
export type Measured = { readonly [Name in keyof typeof gauges]?: () => number }

/** One metric for each row of the tables. */
export interface Metrics {
  readonly registry: Registry
  readonly counters: {
    readonly [Name in keyof typeof counters]: Counter<LabelsOf<(typeof counters)[Name]>>
  }
  readonly histograms: {
    readonly [Name in keyof typeof histograms]: Histogram<LabelsOf<(typeof histograms)[Name]>>
  }
}

/**
 * What is counted, as Prometheus has it. Label values come from the catalog, the error table and lists in our code, never
 * from callers: so there are as many series as there are models, not as there are requests. Money is whole nUSD, as exact as a
 * double is: up to nine million dollars.
 */
export function createMetrics(measured: Measured = {}): Metrics {
  const registry = new Registry()
  const configured = ([name, help, labels]: readonly [
    string,
    string,
    readonly string[],
    ...unknown[],
  ]) => ({
    name: `smartoken_${name}`,
    help,
    labelNames: [...labels],
    registers: [registry],
  })
  const each = <Row>(table: Readonly<Record<string, Row>>, make: (row: Row) => Metric) =>
    Object.fromEntries(Object.entries(table).map(([name, row]) => [name, make(row)])) as never
  const metrics: Metrics = {
    registry,
    counters: each(counters, (row) => new Counter(configured(row))),
    histograms: each(
      histograms,
      (row) => new Histogram({ ...configured(row), buckets: [...row[3]] }),
    ),
  }
  for (const [name, row] of Object.entries(gauges)) {
    const measure = measured[name as keyof Measured]
    const collect = function collect(this: Gauge) {
      if (measure) this.set(measure())
    }
    void new Gauge({ ...configured(row), collect })
  }
  // A counter that is not there before its first event has no rise to be alarmed by.
  for (const code of alertCodes) metrics.counters.alerts.inc({ code }, 0)
  return metrics
}
