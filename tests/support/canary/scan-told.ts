import type { Telemetry } from '@smartoken/gateway/telemetry'
import type { Told } from '../told.ts'
import { ALL } from './canaries.ts'
import { findIn, type Finding } from './findings.ts'

/** Every secret in what a gateway has told its operator: log lines, metrics, spans. */
export async function findInTold(
  { logged, spans }: Pick<Told, 'logged' | 'spans'>,
  telemetry: Telemetry,
): Promise<Finding[]> {
  const traced = spans.map(({ name, attributes, events, links, status, resource }) => ({
    name,
    attributes,
    events,
    links,
    status,
    resource: resource.attributes,
  }))
  return [
    ...findIn(logged.join(''), 'a log line', ALL),
    ...findIn(await telemetry.metrics.registry.metrics(), 'a metric', ALL),
    ...findIn(JSON.stringify(traced), 'a trace', ALL),
  ]
}
