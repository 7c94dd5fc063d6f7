import type { RequestRecord } from './request-record.ts'
import type { Traffic } from './traffic.ts'

/**
 * The log line of a request: these fields and no others. The caller's address is not among them: it is kept with the
 * request's row, where it can be looked up by the id, and is not spread into copies of logs.
 */
export function requestLine(record: RequestRecord, status: number, { read, written }: Traffic) {
  const { caller, ending } = record
  const firstOutputMs = record.firstOutputMs
  return {
    id: record.id,
    accountId: caller?.accountId,
    apiKeyId: caller?.apiKeyId,
    endpoint: record.endpoint,
    model: ending?.modelId,
    route: ending?.route,
    stream: record.stream,
    status,
    code: record.code,
    outcome: ending?.outcome,
    usage: ending?.usage,
    /** nUSD. */
    charge: record.charge?.toString(),
    attempts: ending?.attempts,
    ms: Math.round(record.ms),
    firstOutputMs: firstOutputMs === undefined ? undefined : Math.round(firstOutputMs),
    addedMs: ending && Math.round(record.addedMs * 10) / 10,
    bytesIn: read,
    bytesOut: written,
  }
}
