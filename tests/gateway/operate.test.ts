import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { openOperations, type Operations } from '@smartoken/gateway/operations'
import { createPool } from '@smartoken/prisma/database'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { chat, sandboxPrompt, saying } from '../support/chat.ts'
import { startGateway, type TestGateway } from '../support/gateway.ts'
import { json, startUpstream } from '../support/upstream.ts'
import { until } from '../support/until.ts'

let gateway: TestGateway
let operations: Operations

beforeAll(async () => {
  gateway = await startGateway({ leaseMs: 400, heartbeatMs: 50 })
  operations = await openOperations(gateway.services, 0)
})
afterAll(async () => {
  await operations.close()
  await gateway.close()
})

const operator = () => `http://127.0.0.1:${operations.port}`
const metrics = async () => (await fetch(`${operator()}/metrics`)).text()

type RequestLine = Readonly<Record<string, unknown>>

/** A metric's value by now; 0 where it has none. */
async function counted(series: string): Promise<number> {
  const line = (await metrics()).split('\n').find((one) => one.startsWith(`${series} `))
  return Number(line?.slice(series.length + 1) ?? 0)
}

/** The line of a request, once it has ended. */
const lineOf = (answer: Response, of = gateway) =>
  until(() => {
    const id = answer.headers.get('x-request-id')!
    const found = of.logged.find((line) => line.includes(id) && line.includes('"msg":"request"'))
    return found === undefined ? undefined : (JSON.parse(found) as { request: RequestLine }).request
  })

describe('health', () => {
  test.each([
    ['the public port', () => gateway.url],
    ['the operations port', operator],
  ])('is told at %s', async (_name, origin) => {
    const alive = await fetch(`${origin()}/healthz`)
    expect([alive.status, await alive.text()]).toEqual([200, 'ok'])
    const ready = await fetch(`${origin()}/readyz`)
    expect([ready.status, await ready.json()]).toEqual([200, { ready: true, not_ready: [] }])
  })

  test('metrics are not public', async () => {
    expect((await fetch(`${gateway.url}/metrics`)).status).toBe(404)
  })

  test('asking for it is no request', async () => {
    await (await fetch(`${gateway.url}/readyz`)).text()
    expect(gateway.logged.join('')).not.toMatch(/healthz|readyz/)
  })

  test('a process whose database is away is not ready until it is back', async () => {
    const admin = createPool(inject('postgres').url, {
      max: 1,
      applicationName: 'test admin',
      statementTimeoutMs: 30_000,
    })
    const { rows } = await gateway.database.query<{ name: string }>(
      'select current_database() as name',
    )
    const { name } = rows[0]!
    await admin.query(`alter database ${name} allow_connections false`)
    await admin.query('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [
      name,
    ])
    const readiness = async () => {
      const answer = await fetch(`${operator()}/readyz`)
      return { status: answer.status, ...((await answer.json()) as object) }
    }
    await expect
      .poll(readiness, { timeout: 20_000 })
      .toEqual({ status: 503, ready: false, not_ready: ['database', 'lease'] })
    expect((await fetch(`${gateway.url}/healthz`)).status).toBe(200)

    await admin.query(`alter database ${name} allow_connections true`)
    await expect
      .poll(readiness, { timeout: 20_000 })
      .toEqual({ status: 200, ready: true, not_ready: [] })
    await admin.end()
  })

  test('a process that is to stop says so until its last answer has ended', async () => {
    const stopping = await startGateway()
    const { port, close } = await openOperations(stopping.services, 0)
    const answer = await chat(
      stopping,
      saying(sandboxPrompt({ text: 'a b c', pieces: 3, delay_ms: 100 }), { stream: true }),
    )
    const closed = stopping.services.close()
    const ready = await fetch(`http://127.0.0.1:${port}/readyz`)
    expect([ready.status, await ready.json()]).toEqual([
      503,
      { ready: false, not_ready: ['draining'] },
    ])
    await answer.text()
    await closed
    await close()
    await stopping.close()
  })
})

describe('the operations port', () => {
  test('is of loopback only, and a taken one is an error that names the variable', async () => {
    await expect(openOperations(gateway.services, operations.port)).rejects.toThrow(
      /OPERATIONS_PORT \d+ cannot be used: .*EADDRINUSE/,
    )
  })

  test('has the metrics of the process beside ours', async () => {
    expect(await metrics()).toMatch(/^nodejs_eventloop_lag_p99_seconds \d/m)
  })
})

describe('a request', () => {
  test('that was answered is one line, with what may be told of it', async () => {
    const answer = await chat(gateway, saying('a secret of mine'))
    await answer.text()
    const line = await lineOf(answer)
    expect(line).toEqual({
      id: answer.headers.get('x-request-id'),
      accountId: gateway.accountId,
      apiKeyId: gateway.apiKeyId,
      endpoint: '/v1/chat/completions',
      model: 'deepseek-chat',
      route: answer.headers.get('x-smartoken-route'),
      stream: false,
      status: 200,
      outcome: 'completed',
      usage: expect.objectContaining({ input: expect.any(Number), output: expect.any(Number) }),
      charge: expect.stringMatching(/^[1-9]\d*$/),
      attempts: 1,
      ms: expect.any(Number),
      firstOutputMs: expect.any(Number),
      addedMs: expect.any(Number),
      bytesIn: expect.any(Number),
      bytesOut: expect.any(Number),
    })
    const row = await gateway.requestRow(answer.headers.get('x-request-id')!)
    expect(line['charge']).toBe(String(row.charge))
  })

  test('has the bytes of its own on a connection that is used again', async () => {
    const lines = []
    for (const size of [10, 50_000, 10]) {
      const answer = await chat(gateway, saying('x'.repeat(size), { max_tokens: 1 }))
      await answer.text()
      lines.push(await lineOf(answer))
    }
    const read = lines.map((line) => Number(line['bytesIn']))
    expect(read[0]).toBeLessThan(1_000)
    expect(read[1]).toBeGreaterThan(50_000)
    expect(read[2]).toBeLessThan(1_000)
  })

  test('that was refused is a line with its code, and without what was not known yet', async () => {
    const refusals =
      'smartoken_refusals_total{endpoint="/v1/chat/completions",code="invalid_api_key"}'
    const before = await counted(refusals)
    const answer = await chat({ ...gateway, secret: 'sk-st-wrong' }, saying('hi'))
    await answer.text()
    const line = await lineOf(answer)
    expect(line).toMatchObject({ status: 401, code: 'invalid_api_key' })
    for (const unknown of ['accountId', 'model', 'outcome', 'charge', 'usage'])
      expect(line).not.toHaveProperty(unknown)
    expect(await counted(refusals)).toBe(before + 1)
  })

  test('of a model nobody has heard of does not get a series of its own', async () => {
    const answer = await chat(gateway, saying('hi', { model: 'no-such-model' }))
    await answer.text()
    await lineOf(answer)
    const other = await fetch(`${gateway.url}/v1/no-such-endpoint`)
    await other.text()
    await lineOf(other)
    expect(await metrics()).not.toContain('no-such')
    expect(gateway.logged.join('')).not.toContain('no-such')
  })
})

test('what a stream came to is counted: tokens, money, its first output', async () => {
  const series = {
    charge: 'smartoken_charge_nano_usd_total{model="glm-4.6"}',
    input: 'smartoken_tokens_total{model="glm-4.6",class="input"}',
    output: 'smartoken_tokens_total{model="glm-4.6",class="output"}',
    first: 'smartoken_first_output_seconds_count{route="zai/glm-4.6"}',
    requests:
      'smartoken_requests_total{endpoint="/v1/chat/completions",model="glm-4.6",status="200",outcome="completed"}',
  }
  const answer = await chat(
    gateway,
    saying(sandboxPrompt({ text: 'a b c' }), { model: 'glm-4.6', stream: true }),
  )
  await answer.text()
  const row = await gateway.requestRow(answer.headers.get('x-request-id')!)
  await lineOf(answer)
  const found = Object.fromEntries(
    await Promise.all(
      Object.entries(series).map(async ([name, one]) => [name, await counted(one)] as const),
    ),
  )
  expect(found['charge']).toBeGreaterThan(0)
  expect(found).toEqual({
    charge: Number(row.charge),
    input: Number(row['input_tokens']),
    output: Number(row['output_tokens']),
    first: 1,
    requests: 1,
  })
})

describe('a trace', () => {
  const TRACE = '0af7651916cd43dd8448eb211c80319c'

  test('has a span for each step, links to the caller’s, and says nothing of the rest', async () => {
    const upstream = await startUpstream()
    upstream.behave(
      json({
        choices: [{ index: 0, message: { content: 'the answer' }, finish_reason: 'stop' }],
        usage: { prompt_tokens: 5, completion_tokens: 1 },
      }),
    )
    const traced = await startGateway({ upstreamUrl: upstream.url })
    const answer = await chat(traced, saying('the prompt'), {
      headers: {
        authorization: `Bearer ${traced.secret}`,
        traceparent: `00-${TRACE}-b7ad6b7169203331-01`,
        tracestate: 'vendor=1',
        baggage: 'who=me',
      },
    })
    await answer.text()
    await lineOf(answer, traced)
    await traced.close()
    await upstream.close()

    const root = traced.spans.find(({ parentSpanContext }) => !parentSpanContext)!
    expect(root.name).toBe('/v1/chat/completions')
    expect(root.spanContext().traceId).not.toBe(TRACE)
    expect(root.links).toEqual([
      { context: expect.objectContaining({ traceId: TRACE, spanId: 'b7ad6b7169203331' }) },
    ])
    expect(root.attributes).toEqual({
      'http.route': '/v1/chat/completions',
      'http.response.status_code': 200,
      'smartoken.request_id': answer.headers.get('x-request-id'),
      'smartoken.model': 'deepseek-chat',
      'smartoken.route': answer.headers.get('x-smartoken-route'),
      'smartoken.stream': false,
      'smartoken.outcome': 'completed',
      'smartoken.attempts': 1,
      'smartoken.first_output_ms': expect.any(Number),
    })
    const steps = traced.spans.filter(({ parentSpanContext }) => parentSpanContext)
    expect(steps.map(({ name }) => name)).toEqual([
      'authenticate',
      'read',
      'hold',
      'route',
      'upstream',
      'settle',
      'answer',
    ])
    for (const step of steps) {
      expect(step.spanContext().traceId).toBe(root.spanContext().traceId)
      expect(step.parentSpanContext!.spanId).toBe(root.spanContext().spanId)
    }
    expect(upstream.calls[0]!.headers).not.toHaveProperty('traceparent')
    expect(JSON.stringify(upstream.calls[0]!.headers)).not.toMatch(/tracestate|baggage|b7ad6b/)
  })

  test('has a span for each attempt, and for what was waited for between', async () => {
    const upstream = await startUpstream()
    let calls = 0
    upstream.behave((out, call) => {
      calls += 1
      return json({ error: { message: 'busy' } }, 503)(out, call)
    })
    const traced = await startGateway({
      upstreamUrl: upstream.url,
      env: { DEEPSEEK_API_KEY: 'one,two' },
    })
    const answer = await chat(traced, saying('hi'))
    await answer.text()
    const line = await lineOf(answer, traced)
    await traced.close()
    await upstream.close()
    expect(line).toMatchObject({ status: 503, attempts: calls, outcome: 'upstream_error' })
    expect(calls).toBeGreaterThan(1)
    const attempts = traced.spans.filter(({ name }) => name === 'upstream')
    expect(attempts.map(({ attributes }) => attributes['smartoken.attempt'])).toEqual(
      Array.from({ length: calls }, (_, index) => index + 1),
    )
  })

  test('is sent to a collector, by OTLP', async () => {
    const received: unknown[] = []
    const collector = createServer((request, response) => {
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('end', () => {
        received.push([request.url, Buffer.concat(chunks).toString('utf8')])
        response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
      })
    })
    await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve))
    const { port } = collector.address() as AddressInfo
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}` }
    const traced = await startGateway({ env })
    const answer = await chat(traced, saying('hi'))
    await answer.text()
    await lineOf(answer, traced)
    await traced.close()
    collector.close()
    expect(received).toEqual([
      ['/v1/traces', expect.stringContaining(answer.headers.get('x-request-id')!)],
    ])
  })

  test('of a collector that is not there costs nobody anything', async () => {
    const traced = await startGateway({
      env: { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' },
    })
    const answer = await chat(traced, saying('hi'))
    expect(answer.status).toBe(200)
    await answer.text()
    await traced.close()
  })
})
