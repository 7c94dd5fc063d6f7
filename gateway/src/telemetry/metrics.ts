import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import { alertCodes } from './alerts.ts'
import { counters, gauges, histograms } from './metric-table.ts'
import { Samples, Series, Tally } from './series.ts'

type LabelsOf<Row> = Row extends readonly [string, string, infer Labels, ...unknown[]]
  ? Labels extends readonly string[]
    ? Labels
    : never
  : never

/** What is read at each scrape. */
export type Measured = { readonly [Name in keyof typeof gauges]?: () => number }

/** One metric for each row of the tables. */
export interface Metrics {
  readonly registry: Registry
  readonly counters: {
    readonly [Name in keyof typeof counters]: Series<LabelsOf<(typeof counters)[Name]>, Tally>
  }
  readonly histograms: {
    readonly [Name in keyof typeof histograms]: Series<LabelsOf<(typeof histograms)[Name]>, Samples>
  }
}

type Row = readonly [name: string, help: string, labels: readonly string[], ...unknown[]]

/**
 * What is counted, as Prometheus has it. Label values come from the catalog, the error table and lists in our code, never
 * from callers: so there are as many series as there are models, not as there are requests. Money is whole nUSD, as exact as a
 * double is: up to nine million dollars.
 */
export function createMetrics(measured: Measured = {}): Metrics {
  const registry = new Registry()
  const configured = ([name, help, labels]: Row) => ({
    name: `smartoken_${name}`,
    help,
    labelNames: [...labels],
    registers: [registry],
  })
  const metrics: Metrics = {
    registry,
    counters: each(counters, (row) => counted(configured(row))),
    histograms: each(histograms, (row) => observed({ ...configured(row), buckets: [...row[3]] })),
  }
  for (const [name, row] of Object.entries(gauges)) {
    const measure = measured[name as keyof Measured]
    const collect = function collect(this: Gauge) {
      if (measure) this.set(measure())
    }
    void new Gauge({ ...configured(row), collect })
  }
  // A counter that is not there before its first event has no rise to be alarmed by.
  for (const code of alertCodes) metrics.counters.alerts.at(code)
  return metrics
}

const each = <Row>(table: Readonly<Record<string, Row>>, make: (row: Row) => object) =>
  Object.fromEntries(Object.entries(table).map(([name, row]) => [name, make(row)])) as never

function counted(configuration: ConstructorParameters<typeof Counter>[0]) {
  const series = new Series(configuration.labelNames ?? [], () => new Tally())
  const collect = function collect(this: Counter) {
    this.reset()
    for (const [labels, { value }] of series.all()) this.inc(labels, value)
  }
  void new Counter({ ...configuration, collect })
  return series
}

function observed(configuration: ConstructorParameters<typeof Histogram>[0]) {
  const empty = () => {
    for (const [labels, samples] of series.all())
      for (const value of samples.take()) histogram.observe(labels, value)
  }
  const series = new Series(configuration.labelNames ?? [], () => new Samples(empty))
  const histogram = new Histogram({ ...configuration, collect: empty })
  return series
}
