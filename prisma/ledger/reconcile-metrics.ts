import { renameSync, writeFileSync } from 'node:fs'
import { Gauge, Registry } from 'prom-client'
import { marginsBy } from './margins.ts'
import type { Report } from './reconcile.ts'

/**
 * Writes a report as Prometheus text for node_exporter's textfile collector, which wants files that appear whole: into
 * a file beside it, then renamed. A run that fails writes nothing, so the timestamp goes stale: alert on that, too.
 */
export async function writeMetrics(file: string, report: Report, at: Date): Promise<void> {
  const unfinished = `${file}.${process.pid}`
  writeFileSync(unfinished, await metricsOf(report, at))
  renameSync(unfinished, file)
}

/** Amounts are whole nUSD, as exact as Prometheus is: it knows only doubles, which are so up to nine million dollars. */
async function metricsOf(report: Report, at: Date): Promise<string> {
  const registry = new Registry()
  const gauge = <Label extends string>(name: string, help: string, ...labelNames: Label[]) =>
    new Gauge({ name, help, labelNames, registers: [registry] })

  gauge(
    'smartoken_reconcile_last_run_timestamp_seconds',
    'When the books were last reconciled to the end.',
  ).set(Math.floor(at.getTime() / 1_000))

  const breaks = gauge('smartoken_reconcile_breaks', 'Disagreements found by a check.', 'check')
  const rows = gauge('smartoken_reconcile_rows', 'Rows compared by a check.', 'check')
  for (const [check, compared] of report.compared) {
    breaks.set({ check }, report.breaks.filter((found) => found.check === check).length)
    rows.set({ check }, Number(compared))
  }

  const revenue = gauge('smartoken_revenue_nano_usd', 'Charges less refunds.', 'route')
  const cost = gauge('smartoken_cost_nano_usd', 'What providers charge us.', 'route')
  const margin = gauge('smartoken_margin_nano_usd', 'Revenue less cost.', 'route')
  for (const sum of marginsBy('route', report.margins)) {
    revenue.set({ route: sum.route }, Number(sum.revenue))
    cost.set({ route: sum.route }, Number(sum.cost))
    margin.set({ route: sum.route }, Number(sum.revenue - sum.cost))
  }

  const loss = gauge('smartoken_house_loss_nano_usd', 'Due, and not charged.', 'outcome', 'why')
  for (const { outcome, shortfall, excused } of marginsBy('outcome', report.margins)) {
    loss.set({ outcome, why: 'shortfall' }, Number(shortfall))
    loss.set({ outcome, why: 'excused' }, Number(excused))
  }
  return registry.metrics()
}
