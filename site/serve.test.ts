import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer, request as httpRequest, type IncomingMessage, type Server } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { buffer, text } from 'node:stream/consumers'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { precompress } from './precompress.ts'
import { createSiteListener } from './serve.ts'

const files = {
  'index.html': '<title>home</title>',
  '404.html': '<title>missing</title>',
  'robots.txt': 'User-agent: *',
  'models/index.html': '<title>models</title>',
  'models/kimi-k2.6/index.html': `<title>kimi</title>${'text '.repeat(200)}`,
  'console/index.html': '<title>console</title>',
  '_astro/page.abc.css': 'body{}',
}

let folder: string
let server: Server
let port: number

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'smartoken-serve-'))
  for (const [name, content] of Object.entries(files)) {
    const path = join(folder, 'builds', 'one', name)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, content)
  }
  await precompress(join(folder, 'builds', 'one'))
  symlinkSync(join('builds', 'one'), join(folder, 'current'))
  ;({ server, port } = await listen('http://127.0.0.1:3000'))
})

afterAll(() => {
  server.close()
  rmSync(folder, { recursive: true, force: true })
})

describe('pages', () => {
  test.each([
    ['/', 200, 'home'],
    ['/?from=mail', 200, 'home'],
    ['/models', 200, 'models'],
    ['/models/kimi-k2.6', 200, 'kimi'],
    ['/models/kimi%2Dk2.6', 200, 'kimi'],
    ['/console', 200, 'console'],
    ['/console/keys/key_1.2', 200, 'console'],
    ['/consoles', 404, 'missing'],
    ['/models/kimi-k2', 404, 'missing'],
    ['/models/kimi-k2.6.html', 404, 'missing'],
    ['/404', 404, 'missing'],
    ['/nothing/', 404, 'missing'],
    ['/../../package.json', 404, 'missing'],
    ['/%2e%2e/%2e%2e/package.json', 404, 'missing'],
    ['/%E0%A4%A', 404, 'missing'],
    ['/%00', 404, 'missing'],
  ])('%s answers %i with the page "%s"', async (path, status, title) => {
    const { response, body } = await get(path)
    expect([response.statusCode, body.slice(0, body.indexOf('</title>'))]).toEqual([
      status,
      `<title>${title}`,
    ])
    expect(response.headers['content-type']).toBe('text/html;charset=utf-8')
  })

  test.each([
    ['/models/', '/models'],
    ['/console/', '/console'],
    ['/models/kimi-k2.6/?a=/b/', '/models/kimi-k2.6?a=/b/'],
    ['/index.html', '/'],
    ['/models/index.html', '/models'],
  ])('%s moved to %s for good', async (path, location) => {
    const { response } = await get(path)
    expect([response.statusCode, response.headers.location]).toEqual([301, location])
  })

  test.each(['//elsewhere.example/', '/\\elsewhere.example/', '//elsewhere.example/index.html'])(
    '%s is no way to another host',
    async (path) => {
      const { response } = await get(path)
      expect([response.statusCode, response.headers.location]).toEqual([404, undefined])
    },
  )
})

describe('headers', () => {
  test.each([
    ['/models', 'public, max-age=0, must-revalidate', undefined],
    ['/_astro/page.abc.css', 'public, max-age=31536000, immutable', undefined],
    ['/_astro/gone.css', 'public, max-age=0, must-revalidate', undefined],
    ['/console', 'no-store', 'noindex'],
    ['/console/keys', 'no-store', 'noindex'],
  ])('%s is cached as %s', async (path, caching, robots) => {
    const { headers } = (await get(path)).response
    expect([headers['cache-control'], headers['x-robots-tag']]).toEqual([caching, robots])
  })

  test.each(['/', '/console', '/nothing', '/models/'])(
    '%s carries the security headers',
    async (path) => {
      const { headers } = (await get(path)).response
      expect(headers['content-security-policy']).toContain("frame-ancestors 'none'")
      expect(headers['content-security-policy']).not.toMatch(/unsafe|\*/)
      expect(headers['x-content-type-options']).toBe('nosniff')
      expect(headers['referrer-policy']).toBe('strict-origin-when-cross-origin')
      expect(headers['strict-transport-security']).toBeUndefined()
    },
  )

  test('a site with an https address asks for https', async () => {
    const secure = await listen('https://thesmartoken.com')
    const { response } = await get('/', {}, secure.port)
    secure.server.close()
    expect(response.headers['strict-transport-security']).toMatch(/^max-age=\d{8}$/)
  })
})

test.each([
  ['br', 'br'],
  ['gzip, deflate', 'gzip'],
  ['gzip, deflate, br', 'br'],
  ['identity', undefined],
])('to a reader that takes %s a page comes as %s', async (accepted, encoding) => {
  const { response, bytes } = await get('/models/kimi-k2.6', { 'accept-encoding': accepted })
  expect(response.headers['content-encoding']).toBe(encoding)
  expect(response.headers.vary).toBe('Accept-Encoding')
  expect(response.headers['content-type']).toBe('text/html;charset=utf-8')
  const unpack = { br: brotliDecompressSync, gzip: gunzipSync }[encoding ?? '']
  const page = unpack === undefined ? bytes : unpack(bytes)
  expect(page.toString()).toBe(files['models/kimi-k2.6/index.html'])
})

test('a page that has not changed is not sent again', async () => {
  const { etag } = (await get('/models')).response.headers
  const { response, body } = await get('/models', { 'if-none-match': etag ?? '' })
  expect([response.statusCode, body]).toEqual([304, ''])
})

test('HEAD answers without a body, other methods are refused', async () => {
  const head = await get('/models', {}, port, 'HEAD')
  expect([head.response.statusCode, head.body]).toEqual([200, ''])
  const post = await get('/models', {}, port, 'POST')
  expect([post.response.statusCode, post.response.headers.allow]).toEqual([405, 'GET, HEAD'])
})

test.each(['bytes=10-5', 'bytes=99999-', 'bytes=a-b', 'bytes=-'])(
  'the range %s is answered with the whole page',
  async (range) => {
    const { response, body } = await get('/models', { range })
    expect([response.statusCode, body]).toEqual([200, files['models/index.html']])
  },
)

test.each(['GET * HTTP/1.1', 'GET http://elsewhere.example/ HTTP/1.1', 'GET //// HTTP/1.1'])(
  'the request line "%s" does no harm',
  async (line) => {
    const socket = connect(port, '127.0.0.1')
    socket.end(`${line}\r\nHost: site\r\nConnection: close\r\n\r\n`)
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 404 /)
    expect((await get('/')).response.statusCode).toBe(200)
  },
)

test('a listener stays with the build it opened', async () => {
  const { server, port } = await listen('http://127.0.0.1:3000')
  const other = join(folder, 'builds', 'two')
  mkdirSync(other)
  for (const name of ['index.html', '404.html']) writeFileSync(join(other, name), 'later')
  rmSync(join(folder, 'current'))
  symlinkSync(join('builds', 'two'), join(folder, 'current'))
  expect((await get('/', {}, port)).body).toBe(files['index.html'])
  server.close()
})

test('without a build it says what to run', () => {
  const empty = mkdtempSync(join(tmpdir(), 'smartoken-serve-'))
  expect(() => createSiteListener({ folder: empty })).toThrow('npm run build')
  rmSync(empty, { recursive: true })
})

async function listen(publicUrl: string): Promise<{ server: Server; port: number }> {
  const server = createServer(createSiteListener({ folder, publicUrl }))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { server, port: (server.address() as AddressInfo).port }
}

/** Not `fetch`: it would tidy the path, follow redirects and unpack the body. */
async function get(
  path: string,
  headers: Record<string, string> = {},
  at = port,
  method = 'GET',
): Promise<{ response: IncomingMessage; body: string; bytes: Buffer }> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const options = { host: '127.0.0.1', port: at, path, method, headers, agent: false }
    httpRequest(options, resolve).on('error', reject).end()
  })
  const bytes = await buffer(response)
  return { response, bytes, body: bytes.toString() }
}
