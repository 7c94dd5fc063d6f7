import { ExportResultCode } from '@opentelemetry/core'
import type { ReadableSpan } from '@opentelemetry/sdk-trace'
import type { openServices } from '@smartoken/gateway/services'

type Destinations = Pick<Parameters<typeof openServices>[0], 'logLevel' | 'logTo' | 'spans'>

/** What a gateway tells its operator, kept. */
export interface Told {
  /** Log lines, of every level. */
  readonly logged: readonly string[]
  /** The last of them come when it closes. */
  readonly spans: readonly ReadableSpan[]
  /** What makes a gateway tell it all here. */
  readonly destinations: Destinations
}

/** Keeps what a gateway tells; its spans only where `env` does not send them elsewhere. */
export function listen(env: NodeJS.ProcessEnv = {}): Told {
  const logged: string[] = []
  const spans: ReadableSpan[] = []
  const collector: Destinations['spans'] = {
    export(batch, done) {
      spans.push(...batch)
      done({ code: ExportResultCode.SUCCESS })
    },
    shutdown: () => Promise.resolve(),
  }
  return {
    logged,
    spans,
    destinations: {
      logLevel: 'debug',
      logTo: { write: (line) => void logged.push(line) },
      ...(!env['OTEL_EXPORTER_OTLP_ENDPOINT'] && { spans: collector }),
    },
  }
}
