import { pino } from 'pino'
import { beforeEach, describe, expect, test } from 'vitest'
import { UpstreamSaid } from '../upstreams/fault.ts'
import { Telemetry } from './telemetry.ts'

let lines: Record<string, unknown>[]
let telemetry: Telemetry

beforeEach(() => {
  lines = []
  const write = (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>)
  telemetry = new Telemetry(pino({}, { write }))
})

const scraped = () => telemetry.metrics.registry.metrics()

describe('an alert', () => {
  test('is an error line and a count', async () => {
    telemetry.alert('lease_lost', { epoch: 7n })
    expect(lines).toEqual([
      expect.objectContaining({ level: 50, alert: 'lease_lost', epoch: '7', msg: 'alert' }),
    ])
    expect(await scraped()).toContain('smartoken_alerts_total{code="lease_lost"} 1')
  })

  test('is there at zero before it first happens', async () => {
    expect(await scraped()).toContain('smartoken_alerts_total{code="account_frozen"} 0')
  })

  test('about the same again and again is counted each time, logged once', async () => {
    for (const upstream of ['ark#1', 'ark#1', 'ark#2'])
      telemetry.alert('upstream_arrears', { upstream })
    expect(lines.map(({ upstream }) => upstream)).toEqual(['ark#1', 'ark#2'])
    expect(await scraped()).toContain('smartoken_alerts_total{code="upstream_arrears"} 3')
  })
})

describe('a failed call of an upstream', () => {
  test('counts by provider, not by key', async () => {
    telemetry.upstreamFault('ark#1', 'rate')
    telemetry.upstreamFault('ark#2', 'rate')
    expect(await scraped()).toContain(
      'smartoken_upstream_errors_total{provider="ark",fault="rate"} 2',
    )
    expect(lines).toEqual([])
  })

  test.each([
    [401, 'upstream_key_refused'],
    [403, 'upstream_key_refused'],
    [402, 'upstream_arrears'],
    [404, 'upstream_model_unknown'],
    [400, 'upstream_refuses_us'],
    [undefined, 'upstream_refuses_us'],
  ])('that is ours to mend, with %s, is the alert %s', (status, alert) => {
    telemetry.upstreamFault('ark#1', 'ours', status && new UpstreamSaid('ark', status, []))
    expect(lines).toEqual([expect.objectContaining({ alert, upstream: 'ark#1' })])
  })
})

test('a batch counts its calls, and its time only where it was answered', async () => {
  telemetry.batchSent('fast', 20, 4, true)
  telemetry.batchSent('fast', 3, 1_000, false)
  const metrics = await scraped()
  expect(metrics).toContain('smartoken_ledger_batch_calls_sum{lane="fast"} 23')
  expect(metrics).toContain('smartoken_ledger_batch_seconds_sum{lane="fast"} 0.004')
  expect(metrics).toContain('smartoken_ledger_batches_failed_total{lane="fast"} 1')
})
