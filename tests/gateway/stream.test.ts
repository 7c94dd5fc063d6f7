import { recompute } from '@smartoken/prisma/bill'
import type { ServerResponse } from 'node:http'
import { charge } from '@smartoken/prisma/catalog'
import { formatUsd } from '@smartoken/prisma/money'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { chat, dataIn, receiptIn, saying } from '../support/chat.ts'
import { startGateway, type TestGateway } from '../support/gateway.ts'
import { event, events, startUpstream, type TestUpstream } from '../support/upstream.ts'

let upstream: TestUpstream
let gateway: TestGateway

beforeAll(async () => {
  upstream = await startUpstream()
  gateway = await startGateway({ upstreamUrl: upstream.url })
})
afterEach(async () => expect(await gateway.breaks()).toEqual([]))
afterAll(async () => {
  await gateway.close()
  await upstream.close()
})

const streaming = (over: object = {}) => saying('hi', { stream: true, ...over })
const withUsage = { stream_options: { include_usage: true } }

const chunk = (delta: object, finish_reason: string | null = null, more: object = {}) =>
  event({
    id: 'chat-1',
    object: 'chat.completion.chunk',
    created: 1_790_000_000,
    model: 'deepseek-flash',
    choices: [{ index: 0, delta, logprobs: null, finish_reason }],
    ...more,
  })

const role = chunk({ role: 'assistant', content: '' })
const usage = {
  prompt_tokens: 30,
  completion_tokens: 12,
  total_tokens: 42,
  prompt_tokens_details: { cached_tokens: 10 },
}
const usageChunk = event({
  id: 'chat-1',
  object: 'chat.completion.chunk',
  created: 1_790_000_000,
  model: 'deepseek-flash',
  choices: [],
  usage,
})
const DONE = event('[DONE]')

/** The charge of that usage by the price the answer names, nUSD. */
function dueFor(answer: Response) {
  const id = answer.headers.get('x-smartoken-price')
  const model = gateway.services.catalog.models.find((one) => one.id === 'deepseek-chat')!
  const classes = { input: 20, cachedInput: 10, cacheWrite: 0, output: 12, thinkingOutput: 0 }
  return charge(
    classes,
    model.prices.find((price) => price.id === id)!,
  )
}

describe('a stream', () => {
  const contents: readonly [string, readonly string[]][] = [
    ['text', [role, chunk({ content: '你' }), chunk({ content: '好 👋' }), chunk({}, 'stop')]],
    [
      'reasoning and text',
      [
        chunk({ role: 'assistant', content: null, reasoning_content: '' }),
        chunk({ content: null, reasoning_content: '想一想' }),
        chunk({ content: 'Three.', reasoning_content: null }),
        chunk({ content: '' }, 'length'),
      ],
    ],
    [
      'a tool call',
      [
        chunk({
          role: 'assistant',
          content: null,
          tool_calls: [
            { index: 0, id: 'call_0', type: 'function', function: { name: 'f', arguments: '' } },
          ],
        }),
        chunk({ tool_calls: [{ index: 0, function: { arguments: '{"city": "杭' } }] }),
        chunk({ tool_calls: [{ index: 0, function: { arguments: '州"}' } }] }),
        chunk({}, 'tool_calls'),
      ],
    ],
  ]

  test.each(contents)(
    'of %s comes byte for byte, then its receipt and [DONE]',
    async (_name, content) => {
      upstream.behave(events(...content, usageChunk, DONE))
      const before = await gateway.wallet()
      const answer = await chat(gateway, streaming())
      const body = await answer.text()

      const due = dueFor(answer)
      const id = answer.headers.get('x-request-id')!
      const receipt = receiptIn(body)
      expect(receipt).toMatchObject({
        request_id: id,
        charge_usd: formatUsd(due),
        price: { id: answer.headers.get('x-smartoken-price') },
        usage_source: 'provider',
        usage: { input: 20, cached_input: 10, cache_write: 0, output: 12, thinking_output: 0 },
      })
      expect(recompute(receipt)).toMatchObject({ charge: due, differences: [] })
      expect(body).toBe(`${content.join('')}: receipt ${JSON.stringify(receipt)}\n\n${DONE}`)
      expect((await gateway.wallet()).posted).toBe(before.posted - due)
      expect((await gateway.requestRow(id)).charge).toBe(due)
    },
  )

  test.each(contents)(
    'of %s ends with one usage chunk where it was asked for',
    async (_name, content) => {
      upstream.behave(events(...content, usageChunk, DONE))
      const body = await (await chat(gateway, streaming(withUsage))).text()
      expect(body.startsWith(content.join('') + usageChunk)).toBe(true)
      expect(dataIn(body).at(-1)).toBe('[DONE]')
      expect(receiptIn(body)).toMatchObject({ usage_source: 'provider' })
    },
  )

  test('says what it is in headers, and nothing of the upstream’s own', async () => {
    upstream.behave((out) => {
      out.writeHead(200, {
        'content-type': 'text/event-stream',
        'x-secret': '1',
        'set-cookie': 'a=b',
      })
      out.end(chunk({ content: 'a' }) + chunk({}, 'stop') + usageChunk + DONE)
    })
    const answer = await chat(gateway, streaming())
    await answer.text()
    expect(Object.fromEntries(answer.headers)).toEqual({
      'cache-control': 'no-store',
      connection: 'keep-alive',
      'content-type': 'text/event-stream; charset=utf-8',
      date: expect.any(String),
      'keep-alive': expect.any(String),
      'transfer-encoding': 'chunked',
      'x-accel-buffering': 'no',
      'x-request-id': expect.stringMatching(/^req_00/),
      'x-robots-tag': 'noindex',
      'x-smartoken-price': expect.stringMatching(/^deepseek-chat\//),
      'x-smartoken-route': 'deepseek/deepseek-flash',
    })
  })

  test('asks the upstream for usage whether or not the caller does', async () => {
    for (const over of [{}, withUsage, { stream_options: { include_usage: false, more: 1 } }]) {
      upstream.behave(events(chunk({ content: 'a' }), chunk({}, 'stop'), usageChunk, DONE))
      await (await chat(gateway, streaming(over))).text()
      expect(upstream.calls[0]!.body['stream_options']).toMatchObject({ include_usage: true })
    }
  })

  test('has one usage chunk, without choices, wherever the provider puts its usage', async () => {
    const choice = { index: 0, delta: {}, logprobs: null, finish_reason: 'stop' }
    for (const finish of [
      chunk({}, 'stop', { usage }),
      chunk({}, 'stop', { choices: [{ ...choice, usage }] }),
    ]) {
      upstream.behave(events(chunk({ content: 'a' }, null, { usage: null }), finish, DONE))
      const told = dataIn(await (await chat(gateway, streaming(withUsage))).text())
      const withUsages = told.filter((data) => data.includes('"usage":{'))
      expect(withUsages.map((data) => JSON.parse(data) as unknown)).toEqual([
        expect.objectContaining({ choices: [], usage }),
      ])
      expect(told.map((data) => data.includes('"finish_reason":"stop"'))).toEqual([
        false,
        true,
        false,
        false,
      ])
    }
  })

  test('passes its first piece on while the upstream holds back the last', async () => {
    const release = Promise.withResolvers<void>()
    upstream.behave(async (out) => {
      out.writeHead(200, { 'content-type': 'text/event-stream' })
      out.write(role + chunk({ content: 'first' }))
      await release.promise
      out.end(chunk({ content: 'last' }) + chunk({}, 'stop') + usageChunk + DONE)
    })
    const answer = await chat(gateway, streaming())
    const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader()
    let read = ''
    while (!read.includes('first')) read += (await reader.read()).value ?? ''
    expect(read).not.toContain('last')
    expect(await gateway.wallet()).toMatchObject({ openHolds: 1 })
    release.resolve()
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
      read += piece.value
    }
    expect(read).toContain('last')
    expect(dataIn(read).at(-1)).toBe('[DONE]')
  })

  test('loses no byte where every piece is cut in the middle of a character', async () => {
    const content = [role, chunk({ content: '你好，世界 👋🏽' }), chunk({ content: 'é' })].join('')
    upstream.behave(async (out) => {
      out.writeHead(200, { 'content-type': 'text/event-stream' })
      const bytes = Buffer.from(content + chunk({}, 'stop') + usageChunk + DONE)
      for (const byte of bytes) {
        out.write(Buffer.from([byte]))
        await new Promise(setImmediate)
      }
      out.end()
    })
    const body = await (await chat(gateway, streaming())).text()
    expect(body.startsWith(content + chunk({}, 'stop'))).toBe(true)
    expect(receiptIn(body)).toMatchObject({ usage_source: 'provider' })
  })

  test('does not pass the provider’s comments on', async () => {
    upstream.behave(
      events(
        ': keep-alive\n\n',
        chunk({ content: 'a' }),
        ': keep-alive\n\n',
        chunk({}, 'stop'),
        usageChunk,
        DONE,
      ),
    )
    expect(await (await chat(gateway, streaming())).text()).not.toContain('keep-alive')
  })

  test('without a word of output is charged for what the provider counted', async () => {
    upstream.behave(events(role, chunk({}, 'stop'), usageChunk, DONE))
    const answer = await chat(gateway, streaming())
    const body = await answer.text()
    expect(body.startsWith(role + chunk({}, 'stop'))).toBe(true)
    expect(receiptIn(body)).toMatchObject({ charge_usd: formatUsd(dueFor(answer)) })
  })
})

describe('a stream whose usage cannot be believed is counted', () => {
  const text = '你好'.repeat(1_000)
  test.each([
    ['missing', ''],
    ['more than the limit', event({ choices: [], usage: { ...usage, completion_tokens: 1e6 } })],
    ['negative', event({ choices: [], usage: { ...usage, prompt_tokens: -1 } })],
  ])('%s', async (_name, last) => {
    upstream.behave(events(role, chunk({ content: text }), chunk({}, 'stop'), last, DONE))
    const answer = await chat(gateway, streaming())
    const body = await answer.text()
    expect(receiptIn(body)).toMatchObject({ usage_source: 'counted' })
    expect(dataIn(body).at(-1)).toBe('[DONE]')
    expect(await gateway.requestRow(answer.headers.get('x-request-id')!)).toMatchObject({
      usage_source: 'counted',
      output_tokens: BigInt(Math.floor(Buffer.byteLength(text) * 0.18)),
    })
  })
})

test('what looks like usage in a text is text', async () => {
  const content =
    chunk({ content: 'a' }) + chunk({ content: '"usage":{"prompt_tokens":1}\n\n[DONE]' })
  upstream.behave(events(content, chunk({}, 'stop'), usageChunk, DONE))
  const answer = await chat(gateway, streaming())
  const body = await answer.text()
  expect(body.startsWith(content)).toBe(true)
  expect(receiptIn(body)).toMatchObject({ charge_usd: formatUsd(dueFor(answer)) })
})

test('a hundred streams at once each end whole, and the wallet falls by their sum', async () => {
  upstream.behave(async (out) => {
    out.writeHead(200, { 'content-type': 'text/event-stream' })
    for (let at = 0; at < 5; at += 1) {
      out.write(chunk({ content: `piece ${at}` }))
      await new Promise(setImmediate)
    }
    out.end(chunk({}, 'stop') + usageChunk + DONE)
  })
  const before = await gateway.wallet()
  const answers = await Promise.all(Array.from({ length: 100 }, () => chat(gateway, streaming())))
  const bodies = await Promise.all(answers.map((answer) => answer.text()))
  expect(bodies.filter((body) => body.includes('piece 4') && body.endsWith(DONE))).toHaveLength(100)
  const due = answers.map(dueFor).reduce((sum, one) => sum + one, 0n)
  expect(await gateway.wallet()).toEqual({ posted: before.posted - due, held: 0n, openHolds: 0 })
})

describe('a stream that is silent', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] }))
  afterEach(() => void vi.useRealTimers())

  /** Asks for a stream, waits until the upstream has the request, and lets half a minute pass. */
  async function afterHalfAMinute(begin: (out: ServerResponse) => unknown) {
    const called = Promise.withResolvers<ServerResponse>()
    upstream.behave((out) => {
      begin(out)
      called.resolve(out)
    })
    const answer = chat(gateway, streaming())
    const out = await called.promise
    await vi.waitUntil(() => vi.getTimerCount() === 1)
    vi.advanceTimersByTime(30_000)
    return { out, response: await answer }
  }

  test('is kept alive every 15 seconds after the upstream’s head, and from then on an error is an event', async () => {
    const { out, response } = await afterHalfAMinute((begun) =>
      begun.writeHead(200, { 'content-type': 'text/event-stream' }).write(role),
    )
    out.destroy()
    const text = await response.text()
    expect(response.status).toBe(200)
    expect(text.match(/^: keep-alive$/gm)).toHaveLength(2)
    expect(dataIn(text).at(-1)).toContain('"upstream_unavailable"')
  })

  test('is kept alive before the upstream answers at all, and then has its text', async () => {
    const { out, response } = await afterHalfAMinute(() => {})
    out.writeHead(200, { 'content-type': 'text/event-stream' })
    out.end(role + chunk({ content: 'late' }) + chunk({}, 'stop') + usageChunk + DONE)
    const text = await response.text()
    expect(text.startsWith(': keep-alive\n\n: keep-alive\n\n')).toBe(true)
    expect(text).toContain('"late"')
    expect(dataIn(text).at(-1)).toBe('[DONE]')
  })

  test('tells an upstream’s refusal that comes late as an event, and is free', async () => {
    const { out, response } = await afterHalfAMinute(() => {})
    out.writeHead(500).end()
    const text = await response.text()
    expect(dataIn(text)).toHaveLength(1)
    expect(dataIn(text)[0]).toContain('"upstream_unavailable"')
    const row = await gateway.requestRow(response.headers.get('x-request-id')!)
    expect(row).toMatchObject({ charge: 0n, outcome: 'upstream_error', status: 200 })
  })
})
