import { newSecret } from '@smartoken/prisma/keys'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { chat, openSocket, saying, textOf, wireOf } from '../support/chat.ts'
import { errorOf } from '../support/error.ts'
import { startGateway, type TestGateway } from '../support/gateway.ts'
import { startUpstream, type TestUpstream } from '../support/upstream.ts'

const MEBIBYTE = 1024 * 1024

let upstream: TestUpstream
let gateway: TestGateway

beforeAll(async () => {
  upstream = await startUpstream()
  gateway = await startGateway({ upstreamUrl: upstream.url })
})
afterEach(async () => {
  expect(upstream.calls).toEqual([])
  expect(await gateway.breaks()).toEqual([])
})
afterAll(async () => {
  const { rows } = await gateway.database.query('select id from request')
  expect(rows).toEqual([])
  await gateway.close()
  await upstream.close()
})

const bearer = (secret: string) => ({ authorization: `Bearer ${secret}` })

/** The same key with its last character changed, so that its check fails. */
const mistyped = (secret: string) => secret.slice(0, -1) + (secret.endsWith('0') ? '1' : '0')

describe('a key', () => {
  test.each<[string, () => HeadersInit]>([
    ['that is missing', () => ({})],
    ['that is empty', () => ({ authorization: '' })],
    ['without a scheme', () => ({ authorization: gateway.secret })],
    ['under another scheme', () => ({ authorization: `Basic ${gateway.secret}` })],
    ['with more behind it', () => ({ authorization: `Bearer ${gateway.secret} x` })],
    ['that is mistyped', () => bearer(mistyped(gateway.secret))],
    ['of another maker', () => bearer('sk-proj-0123456789')],
    ['that nobody has', () => bearer(newSecret().secret)],
    ['that nobody has, as x-api-key', () => ({ 'x-api-key': newSecret().secret })],
    ['made for SQL', () => bearer(`sk-st-' or 1=1 --`)],
  ])('%s is refused with the same words', async (_name, headers) => {
    const answer = await chat(gateway, saying('hi'), { headers: headers() })
    const error = await errorOf(answer)
    expect(error).toMatchObject({ status: 401, code: 'invalid_api_key' })
    expect(error['message']).toMatch(/^Incorrect API key provided/)
    expect(JSON.stringify(error)).not.toContain(gateway.secret)
  })

  test('beside another account’s is refused, and beside a placeholder it is taken', async () => {
    const other = await gateway.newAccount()
    const ask = (authorization: string, key: string) =>
      chat(gateway, '{', { headers: { authorization, 'x-api-key': key } })
    const { secret } = gateway
    const statuses = []
    for (const [authorization, key] of [
      [`Bearer ${secret}`, other.secret],
      [`Bearer ${other.secret}`, secret],
      [`Bearer ${secret}`, secret],
      [`Bearer ${secret}`, 'placeholder'],
      ['Bearer placeholder', secret],
      ['Bearer placeholder', 'placeholder'],
    ] as const)
      statuses.push((await errorOf(await ask(authorization, key)))['status'])
    expect(statuses).toEqual([401, 401, 400, 400, 400, 401])
  })

  test.each([
    ['revoked', 'revoked_at'],
    ['expired', 'expires_at'],
  ])('that is %s is refused at once, however well known', async (_name, column) => {
    const account = await gateway.newAccount()
    await gateway.database.query(`update api_key set ${column} = now() where id = $1`, [
      account.apiKeyId,
    ])
    for (const headers of [bearer(account.secret), { 'x-api-key': account.secret }]) {
      expect(await errorOf(await chat(gateway, saying('hi'), { headers }))).toMatchObject({
        status: 401,
        code: 'invalid_api_key',
      })
    }
  })

  test('is asked for before anything else is said of the request', async () => {
    expect(await errorOf(await chat(gateway, '{', { headers: {} }))).toMatchObject({
      status: 401,
      code: 'invalid_api_key',
    })
    const large = 'x'.repeat(2 * MEBIBYTE)
    expect(await errorOf(await chat(gateway, large, { headers: {} }))).toMatchObject({
      status: 401,
      code: 'invalid_api_key',
    })
  })
})

describe('an address', () => {
  test.each([
    ['GET', '/'],
    ['GET', '/v1'],
    ['POST', '/v1/embeddings'],
    ['POST', '/v1/chat/completions/'],
    ['POST', '/v2/chat/completions'],
    ['DELETE', '/v1/models'],
    ['GET', '/v1/../etc/passwd'],
    ['GET', '/%E0%A4%A'],
  ])('that is none is refused: %s %s', async (method, path) => {
    expect(await errorOf(await fetch(`${gateway.url}${path}`, { method }))).toMatchObject({
      status: 404,
      code: 'not_found',
    })
  })

  test.each(['GET', 'PUT', 'PATCH', 'DELETE'])(
    'takes no %s where it takes POST',
    async (method) => {
      const answer = await fetch(`${gateway.url}/v1/chat/completions`, { method })
      expect(await errorOf(answer)).toMatchObject({ status: 405, code: 'method_not_allowed' })
      expect(answer.headers.get('allow')).toBe('POST')
    },
  )

  test.each(['no-such-model', '%E0%A4%A', '%', '%00', 'a/b/c', 'x'.repeat(5_000), '__proto__'])(
    'of a model that is none is refused: %s',
    async (id) => {
      const answer = await fetch(`${gateway.url}/v1/models/${id}`)
      expect(await errorOf(answer)).toMatchObject({ status: 404, code: 'model_not_found' })
    },
  )

  test('with a host that is none is refused', async () => {
    const socket = openSocket(
      gateway,
      'GET /v1/models HTTP/1.1',
      'host: a b',
      'connection: close',
      '',
      '',
    )
    const answer = await textOf(socket)
    expect(answer).toMatch(/^HTTP\/1.1 400 /)
    expect(answer).toMatch(/^x-request-id: req_00/im)
    expect(
      JSON.parse(answer.slice(answer.indexOf('{'), answer.lastIndexOf('}') + 1)),
    ).toMatchObject({
      error: { code: 'invalid_request', type: 'invalid_request_error', param: null },
    })
  })
})

describe('a body', () => {
  test.each([
    ['nothing', '', 'invalid_json'],
    ['no JSON', '{"model":', 'invalid_json'],
    ['a form', 'model=deepseek-chat', 'invalid_json'],
    ['a text', '"hi"', 'invalid_json'],
    ['a list', '[]', 'invalid_json'],
    ['null', 'null', 'invalid_json'],
    ['an empty object', '{}', 'invalid_request'],
    [
      'a prototype in place of fields',
      '{"__proto__":{"model":"deepseek-chat"}}',
      'invalid_request',
    ],
    [
      'a deep nest in a field we forward',
      JSON.stringify(saying('hi')).replace(
        /}$/,
        `,"x":${'['.repeat(100_000)}${']'.repeat(100_000)}}`,
      ),
      'invalid_json',
    ],
    [
      'a deep nest in a message',
      JSON.stringify(saying('@')).replace(
        '"@"',
        '[{"type":"image_url","a":'.repeat(50_000) + '1' + '}]'.repeat(50_000),
      ),
      'invalid_json',
    ],
    ['a deep nest alone', `${'['.repeat(100_000)}${']'.repeat(100_000)}`, 'invalid_json'],
  ])('of %s is refused', async (_name, body, code) => {
    const error = await errorOf(await chat(gateway, body))
    expect(error).toMatchObject({ status: 400, code })
    expect(String(error['message']).length).toBeLessThan(300)
  })

  test('that is not UTF-8 is refused: what is sent on would have more bytes than were counted', async () => {
    const [start, end] = JSON.stringify(saying('@')).split('@')
    const body = Buffer.concat([Buffer.from(start!), Buffer.alloc(1_000, 0xff), Buffer.from(end!)])
    const answer = await fetch(`${gateway.url}/v1/chat/completions`, {
      method: 'POST',
      headers: bearer(gateway.secret),
      body,
    })
    expect(await errorOf(answer)).toMatchObject({ status: 400, code: 'invalid_json' })
  })

  test.each([
    ['n', { n: 2 }, 'unsupported_parameter'],
    ['web_search', { web_search: true }, 'unsupported_parameter'],
    ['max_tokens', { max_tokens: 0 }, 'invalid_request'],
    ['max_tokens', { max_tokens: 2 ** 40 }, 'invalid_request'],
    ['messages', { messages: [] }, 'invalid_request'],
    ['stream', { stream: 'yes' }, 'invalid_request'],
  ])('is refused for its %s: %j', async (param, over, code) => {
    const error = await errorOf(await chat(gateway, saying('hi', over)))
    expect(error).toMatchObject({ status: 400, code })
    expect(error['param']).toBe(param)
  })

  test('for a model that is none is answered with the nearest', async () => {
    const answer = await chat(gateway, saying('hi', { model: 'deepseek-caht' }))
    const error = await errorOf(answer)
    expect(error).toMatchObject({ status: 404, code: 'model_not_found' })
    expect(error).toMatchObject({
      param: 'model',
      nearest: expect.arrayContaining(['deepseek-chat']),
      message: expect.stringContaining('deepseek-chat'),
    })
  })

  test.each(['__proto__', 'constructor', 'toString'])(
    'for the model %s is refused',
    async (model) => {
      expect(await errorOf(await chat(gateway, saying('hi', { model })))).toMatchObject({
        status: 404,
        code: 'model_not_found',
      })
    },
  )
})

describe('a body larger than 16 MB is refused', () => {
  const large = Buffer.alloc(17 * MEBIBYTE, 'x')

  test('by its length', async () => {
    const answer = await chat(gateway, large.toString())
    expect(await errorOf(answer)).toMatchObject({ status: 413, code: 'request_too_large' })
  })

  test('while it comes, without a length', async () => {
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        for (let at = 0; at < 17; at += 1) {
          controller.enqueue(large.subarray(at * MEBIBYTE, (at + 1) * MEBIBYTE))
        }
        controller.close()
      },
    })
    const init: RequestInit & { duplex: 'half' } = {
      method: 'POST',
      headers: bearer(gateway.secret),
      body,
      duplex: 'half',
    }
    const answer = await fetch(`${gateway.url}/v1/chat/completions`, init)
    expect(await errorOf(answer)).toMatchObject({ status: 413, code: 'request_too_large' })
  })
})

test('a body that never ends is refused as soon as it is too large', async () => {
  const socket = openSocket(
    gateway,
    'POST /v1/chat/completions HTTP/1.1',
    'host: gateway',
    `x-api-key: ${gateway.secret}`,
    'transfer-encoding: chunked',
    '',
    '',
  )
  for (let at = 0; at < 17; at += 1) {
    socket.write(`${MEBIBYTE.toString(16)}\r\n`)
    socket.write(Buffer.alloc(MEBIBYTE, 'x'))
    socket.write('\r\n')
  }
  const answer = await textOf(socket)
  expect(answer).toMatch(/^HTTP\/1.1 413 /)
  expect(answer).toContain('request_too_large')
})

test('a client that leaves in the middle of its body harms nothing', async () => {
  const socket = openSocket(gateway, wireOf(gateway, saying('x'.repeat(1_000))).slice(0, -500))
  await new Promise((resolve) => socket.once('connect', resolve))
  socket.destroy()
  expect(await errorOf(await chat(gateway, '{'))).toMatchObject({
    status: 400,
    code: 'invalid_json',
  })
})

test('/healthz is well', async () => {
  const answer = await fetch(`${gateway.url}/healthz`)
  expect([answer.status, await answer.text()]).toEqual([200, 'ok'])
  expect(answer.headers.get('x-request-id')).toMatch(/^req_00/)
})
