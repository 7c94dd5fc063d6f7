import { createServer, IncomingMessage, ServerResponse } from 'node:http'
import { Socket, type AddressInfo } from 'node:net'
import { newSecret } from '@smartoken/prisma/keys'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { PROMPT, providerKey } from '../support/canary/canaries.ts'
import { watchServer } from '../support/canary/watch-server.ts'
import { chat, saying, sayingExactly } from '../support/chat.ts'
import { startGateway, type TestGateway } from '../support/gateway.ts'
import {
  event,
  json,
  startUpstream,
  type Behaviour,
  type TestUpstream,
  type UpstreamCall,
} from '../support/upstream.ts'

const KEY = providerKey('upstream')
const answer = (content: string) => ({
  choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 5, completion_tokens: 1 },
})
describe('a secret is found', () => {
  const leaks: [string, RegExp, (gateway: TestGateway) => unknown][] = [
    [
      'a provider’s key in a log line',
      /provider key in a log line/,
      ({ services }) => services.log.debug({ headers: { authorization: `Bearer ${KEY}` } }),
    ],
    [
      'an API key in a log line',
      /api key in a log line/,
      ({ services, secret }) => services.log.info(`asked with ${secret}`),
    ],
    [
      'a prompt in a log line',
      /prompt in a log line/,
      ({ services }) => services.log.error({ body: JSON.stringify(saying('hi')) }),
    ],
    [
      'a prompt as a metric’s label',
      /prompt in a metric/,
      ({ services }) => services.telemetry.metrics.counters.charge.at(PROMPT).add(1),
    ],
    [
      'a prompt in a trace',
      /prompt in a trace/,
      ({ services }) => {
        const incoming = new IncomingMessage(new Socket())
        const outgoing = new ServerResponse(incoming)
        services.telemetry.begin('req_1', PROMPT, { incoming, outgoing }).handled()
        outgoing.emit('close')
      },
    ],
    [
      'a prompt in a text column',
      /prompt in table public\.account/,
      ({ database }) => database.query('update account set name = $1', [`said ${PROMPT}`]),
    ],
    [
      'a provider’s key in a JSON column',
      /provider key in table public\.price/,
      ({ database }) =>
        database.query(
          `insert into price (id, model_id, valid_from, terms) values ('x', 'x', now(), $1)`,
          [JSON.stringify({ deep: [{ key: KEY }] })],
        ),
    ],
    [
      'an API key in a text column',
      /api key in table public\.api_key/,
      ({ database, secret }) => database.query('update api_key set name = $1', [secret]),
    ],
    [
      'a provider’s key in a column of bytes',
      /provider key in table public\.api_key/,
      ({ database }) =>
        database.query('update api_key set secret_hash = $1', [Buffer.from(KEY.padEnd(32, '0'))]),
    ],
  ]

  test.each(leaks)('that was %s', async (_name, found, leak) => {
    const gateway = await startGateway()
    await leak(gateway)
    await expect(gateway.close()).rejects.toThrow(found)
  })

  test('that a client was sent', async () => {
    const upstream = await startUpstream()
    const gateway = await startGateway({ upstreamUrl: upstream.url })
    upstream.behave(json(answer(`your key is ${KEY}`)))
    await (await chat(gateway, saying('hi'))).text()
    await upstream.close()
    await expect(gateway.close()).rejects.toThrow(/provider key in what a client was sent/)
  })

  test('that a client was sent, cut anywhere into chunks', async () => {
    for (let cut = 1; cut < KEY.length; cut += 1) {
      const server = createServer((_incoming, out) => {
        out.write(KEY.slice(0, cut))
        out.end(KEY.slice(cut))
      })
      const findings = watchServer(server, 'a client')
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      await (await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)).text()
      server.close()
      server.closeAllConnections()
      expect(findings[0]).toMatchObject({ secret: 'provider key' })
    }
  })

  test('that an upstream was sent', async () => {
    const upstream = await startUpstream()
    const gateway = await startGateway({ upstreamUrl: upstream.url })
    upstream.behave(json(answer('a')))
    await (await chat(gateway, sayingExactly(`my key is ${gateway.secret}`))).text()
    await gateway.close()
    await expect(upstream.close()).rejects.toThrow(/api key in what an upstream was sent/)
  })
})

describe('an upstream that repeats our key and the prompt', () => {
  let upstream: TestUpstream
  let gateway: TestGateway

  beforeAll(async () => {
    upstream = await startUpstream()
    gateway = await startGateway({ upstreamUrl: upstream.url })
  })
  // Whatever was told, stored or sent meanwhile is searched here.
  afterAll(async () => {
    await gateway.close()
    await upstream.close()
  })

  const said = ({ headers, body }: UpstreamCall): string =>
    `Bad ${headers.authorization} for ${JSON.stringify(body)}`
  const key = ({ headers }: UpstreamCall): string => headers.authorization!.slice('Bearer '.length)
  const answering =
    (status: number, valueOf: (call: UpstreamCall) => unknown): Behaviour =>
    (out, call) =>
      json(valueOf(call), status)(out, call)
  const streaming =
    (...pieces: readonly ((call: UpstreamCall) => string)[]): Behaviour =>
    (out, call) =>
      out
        .writeHead(200, { 'content-type': 'text/event-stream' })
        .end(pieces.map((one) => one(call)).join(''))
  const chunk = (content: string, finish_reason: string | null = null) =>
    event({ choices: [{ index: 0, delta: { content }, finish_reason }] })

  const errors: [string, Behaviour][] = [
    ...[400, 401, 402, 403, 404, 408, 413, 422, 429, 451, 500, 503].flatMap(
      (status): [string, Behaviour][] => [
        [
          `in the message of a ${status}`,
          answering(status, (call) => ({ error: { message: said(call), type: 'x' } })),
        ],
        [
          `in every member of a ${status}`,
          answering(status, (call) => ({
            error: { message: key(call), code: key(call), type: PROMPT, param: said(call) },
            code: key(call),
            message: PROMPT,
            request_id: key(call),
          })),
        ],
      ],
    ),
    ['in a text', answering(400, said)],
    ['in an error that is a text', answering(400, (call) => ({ error: said(call) }))],
    ['in its key alone', answering(400, (call) => ({ error: { message: key(call) } }))],
    ['in an error without an end', answering(500, (call) => `{"error": "${said(call)}`)],
    [
      'in headers',
      (out, call) =>
        json({ error: {} }, 429, {
          'x-said': said(call),
          'retry-after': key(call),
          'www-authenticate': said(call),
          location: `http://127.0.0.1:1/?api_key=${key(call)}`,
        })(out, call),
    ],
    [
      'in a redirect',
      (out, call) => out.writeHead(302, { location: `http://h/?k=${key(call)}` }).end(),
    ],
    ['in its status line', (out, call) => out.writeHead(500, said(call)).end()],
    [
      'in what is no HTTP',
      (_out, call) => call.socket.end(`HTTP/9.9 ${said(call)}\r\n${said(call)}\r\n\r\n`),
    ],
    [
      'in a head that is none',
      (_out, call) => call.socket.end(`HTTP/1.1 200 OK\r\n${said(call)}\r\n\r\n`),
    ],
    [
      'in a length that is none',
      (_out, call) => call.socket.end(`HTTP/1.1 200 OK\r\ncontent-length: ${key(call)}\r\n\r\n{}`),
    ],
    ['in an error of a 200', answering(200, (call) => ({ error: { message: said(call) } }))],
    [
      'in MiniMax’s error of a 200',
      answering(200, (call) => ({ base_resp: { status_code: 1004, status_msg: said(call) } })),
    ],
    [
      'in MiniMax’s code of a 200',
      answering(200, (call) => ({ base_resp: { status_code: key(call), status_msg: PROMPT } })),
    ],
    ['in a 200 that is no JSON', answering(200, said)],
    ['in a choice that is none', answering(200, (call) => ({ choices: [said(call)] }))],
  ]
  const streamErrors: [string, Behaviour][] = [
    ['in an error event', streaming((call) => event({ error: { message: said(call) } }))],
    [
      'in an error event’s code',
      streaming((call) => event({ error: { message: 'no', code: key(call), type: PROMPT } })),
    ],
    [
      'in an error event behind output',
      streaming(
        () => chunk('half'),
        (call) => event({ error: { message: said(call), code: key(call) } }),
      ),
    ],
    ['in an event that is no JSON', streaming((call) => `data: ${said(call)}\n\n`)],
    ['in an event’s name', streaming((call) => `event: ${key(call)}\ndata: {}\n\n`)],
    ['in a comment', streaming((call) => `: ${said(call)}\n\n`)],
    [
      'in half an event',
      streaming(
        () => chunk('half'),
        (call) => `data: {"error": "${said(call)}`,
      ),
    ],
  ]

  test.each(errors)('%s, of a plain answer, is heard by nobody', async (_name, behaviour) => {
    upstream.behave(behaviour)
    const text = await (await chat(gateway, saying('hi'))).text()
    expect(text).not.toContain(KEY)
  })

  test.each([...errors, ...streamErrors])(
    '%s, of a stream, is heard by nobody',
    async (_name, behaviour) => {
      upstream.behave(behaviour)
      const text = await (await chat(gateway, saying('hi', { stream: true }))).text()
      expect(text).not.toContain(KEY)
    },
  )

  test.each([{}, { stream: true }])('in a finish reason is not stored: %j', async (over) => {
    const [choice] = answer('a').choices
    upstream.behave(
      'stream' in over
        ? streaming(() => chunk('a', PROMPT))
        : json({ ...answer('a'), choices: [{ ...choice, finish_reason: PROMPT }] }),
    )
    const got = await chat(gateway, saying('hi', over))
    await got.text()
    await gateway.quiet()
    const row = await gateway.requestRow(got.headers.get('x-request-id')!)
    expect(['stop', 'other']).toContain(row['finish_reason'])
  })

  test('is told the operator all the same', () => {
    const logged = gateway.logged.map((line) => JSON.parse(line) as Record<string, unknown>)
    expect(logged).toContainEqual(
      expect.objectContaining({ alert: 'upstream_key_refused', status: 401 }),
    )
    expect(logged).toContainEqual(
      expect.objectContaining({
        msg: 'an upstream failed',
        fault: 'overload',
        cause: expect.stringMatching(/deepseek answered 503\n/),
      }),
    )
  })
})

describe('a caller’s own mistakes', () => {
  test('are repeated to nobody else', async () => {
    const gateway = await startGateway()
    const bodies = [
      `{"model": "deepseek-chat", "messages": "${PROMPT}"}`,
      `${PROMPT} is no JSON`,
      `{"model": "deepseek-chat", "messages": [{"role": "${PROMPT}"}], "${PROMPT}": 1, "n": "${PROMPT}"}`,
      saying('hi', { temperature: PROMPT, [PROMPT]: PROMPT, tools: [{ type: PROMPT }] }),
      saying('hi', { user: PROMPT, metadata: { a: PROMPT }, stop: PROMPT }),
    ]
    for (const body of bodies) await (await chat(gateway, body)).text()
    for (const secret of [newSecret().secret, `${gateway.secret}x`, PROMPT])
      await (await chat({ ...gateway, secret }, saying('hi'))).text()
    const headers = {
      authorization: `Bearer ${gateway.secret}`,
      'x-prompt': PROMPT,
      traceparent: PROMPT,
      'x-stainless-retry-count': PROMPT,
    }
    for (const path of [PROMPT, `models/${PROMPT}`, `receipts/${PROMPT}`]) {
      const url = `${gateway.url}/v1/${path}?key=${gateway.secret}&q=${PROMPT}`
      await (await fetch(url, { headers })).text()
    }
    await expect(gateway.close()).resolves.toBeUndefined()
  })
})
