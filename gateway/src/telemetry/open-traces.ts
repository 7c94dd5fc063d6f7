import type { SpanExporter } from '@opentelemetry/sdk-trace'
import { traceSettings } from '../env.ts'
import type { Traces } from './telemetry.ts'

/**
 * Traces to where the variables say, or to `exporter`; none where they say nothing. What makes them is loaded only then.
 */
export async function openTracesIfAsked(
  env: NodeJS.ProcessEnv,
  exporter?: SpanExporter,
): Promise<Traces | undefined> {
  const { endpoint, ratio } = traceSettings(env)
  if (!exporter && !endpoint) return undefined
  const { exporterTo, openTraces } = await import('./traces.ts')
  return openTraces({ exporter: exporter ?? exporterTo(endpoint!), ratio })
}
