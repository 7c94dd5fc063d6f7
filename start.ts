/**
 * `npm start`: everything on one port. PostgreSQL, migrations, catalog, site, api and gateway in one process;
 * in development also a local identity provider, the sandbox upstream and a demo account.
 */
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type RequestListener, type Server } from 'node:http'
import { join, resolve } from 'node:path'
import type { Services as ApiServices } from '@smartoken/api'
import { databaseUrlNote } from '@smartoken/prisma/database-url'
import { generateIfStale } from '@smartoken/prisma/generate'
import { secretFromSeed } from '@smartoken/prisma/keys'
import { prepareDatabase, withPool } from '@smartoken/prisma/prepare'
import { startPostgres } from '@smartoken/prisma/postgres'
import { z } from 'zod'

const HOST = '127.0.0.1'
/** What streams in flight get to end by themselves when we stop. */
const GRACE_MS = 5_000

/** An empty variable is one that was not set. */
const environment = Object.fromEntries(
  Object.entries(process.env).filter(([, value]) => value !== ''),
)

/** Everything kept between starts. */
const DATA = resolve(environment['DATA_FOLDER'] ?? join(import.meta.dirname, '.data'))

const startedAt = Date.now()
/** How to stop what has been started, in order of starting; undone backwards. */
const running: { stop: () => unknown }[] = []
let stopping: Promise<void> | undefined

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => void end(0))
start().catch((error: unknown) => {
  if (stopping) return // what fails because we stop is nobody's news
  console.error(error instanceof Error ? error.message : error)
  void end(1)
})

async function start(): Promise<void> {
  const env = readEnv()
  const serve = await listen(env.PORT)
  const databaseUrl = env.DATABASE_URL ?? (await embeddedPostgres())
  const [site] = await Promise.all([
    openSite(env.PUBLIC_URL),
    prepareDatabase(databaseUrl),
    generateClient(),
  ])
  const development = env.NODE_ENV === 'production' ? undefined : await startDevelopment(env)
  const gateway = await startGateway(databaseUrl, env, development?.sandboxUrl)
  const api = await startApi({
    ...development?.env,
    ...environment,
    PUBLIC_URL: env.PUBLIC_URL,
    DATABASE_URL: databaseUrl,
  })
  const demoSecret = await development?.addDemoAccount(api.services, databaseUrl)
  serve({ gateway, api: api.listener, site })
  console.log(addresses(env.PUBLIC_URL, demoSecret))
}

interface Listeners {
  readonly gateway: RequestListener
  readonly api: RequestListener
  readonly site: RequestListener
}

/** The same map as a reverse proxy has in production. */
function listenerFor(url: string, { gateway, api, site }: Listeners): RequestListener {
  const path = url.split('?', 1)[0]!
  if (path === '/v1' || path.startsWith('/v1/')) return gateway
  if (path === '/healthz' || path === '/readyz') return gateway
  if (path === '/graphql' || path.startsWith('/auth/') || path.startsWith('/webhooks/')) return api
  return site
}

function readEnv() {
  const parsed = z
    .object({
      NODE_ENV: z.enum(['development', 'production', 'test']).default('development'),
      PORT: z.coerce.number().int().min(1).max(65_535).default(3000),
      OPERATIONS_PORT: z.coerce.number().int().min(0).max(65_535).optional(),
      DATABASE_URL: z
        .url({ protocol: /^postgres(ql)?$/, error: 'must be a postgresql:// URL' })
        .optional(),
      PUBLIC_URL: z.url().optional(),
      LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('warn'),
    })
    .safeParse(environment)
  if (!parsed.success) {
    throw new Error(
      parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('\n'),
    )
  }
  const { PUBLIC_URL, ...env } = parsed.data
  return { ...env, PUBLIC_URL: (PUBLIC_URL ?? `http://${HOST}:${env.PORT}`).replace(/\/$/, '') }
}

/** Takes the port before anything slow is started; until there is something to serve, says so. */
async function listen(port: number): Promise<(listeners: Listeners) => void> {
  let listener: RequestListener = (_request, response) => {
    response.writeHead(503, { 'retry-after': '2', 'content-type': 'text/plain' }).end('Starting.\n')
  }
  const server = createServer((request, response) => listener(request, response))
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(unusable(port, error)))
    server.listen(port, HOST, resolve)
  })
  running.push({ stop: () => closeServer(server) })
  return (listeners) => {
    listener = (request, response) => listenerFor(request.url ?? '/', listeners)(request, response)
  }
}

function unusable(port: number, error: NodeJS.ErrnoException): Error {
  if (error.code !== 'EADDRINUSE') return new Error(`Port ${port} cannot be used: ${error.message}`)
  return new Error(
    `Port ${port} is in use, perhaps by another SmarToken. Stop that one, or choose another port: PORT=${port + 10} npm start`,
  )
}

async function closeServer(server: Server): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve))
  server.closeIdleConnections()
  const cut = setTimeout(() => server.closeAllConnections(), GRACE_MS)
  await closed
  clearTimeout(cut)
}

/** Starts the database and notes its address in `.data/`, for the command-line tools. */
async function embeddedPostgres(): Promise<string> {
  const starting = startPostgres({
    folder: join(DATA, 'postgres'),
    log: (line) => console.log(line),
  })
  running.push({
    stop: async () => {
      const started = await starting.catch(() => undefined)
      rmSync(databaseUrlNote(DATA), { force: true })
      await started?.stop()
    },
  })
  const postgres = await starting
  writeFileSync(databaseUrlNote(DATA), postgres.url, { mode: 0o600 })
  void postgres.ended.then(() => {
    if (stopping) return
    console.error(`PostgreSQL has stopped by itself; its log is in ${postgres.home}.`)
    void end(1)
  })
  return postgres.url
}

async function generateClient(): Promise<void> {
  if (await generateIfStale()) console.log('Generated the database client.')
}

async function openSite(publicUrl: string): Promise<RequestListener> {
  const { buildSite } = await import('@smartoken/site/build')
  const building = new AbortController()
  running.push({ stop: () => building.abort() })
  if ((await buildSite({ publicUrl, signal: building.signal })) === 'built')
    console.log('Built the site.')
  const { createSiteListener } = await import('@smartoken/site/serve')
  return createSiteListener({ publicUrl })
}

async function startGateway(
  databaseUrl: string,
  env: ReturnType<typeof readEnv>,
  sandboxUrl: string | undefined,
): Promise<RequestListener> {
  const { createGatewayListener } = await import('@smartoken/gateway')
  const { openServices } = await import('@smartoken/gateway/services')
  const services = await openServices({
    databaseUrl,
    env: environment,
    logLevel: env.LOG_LEVEL,
    ...(sandboxUrl && { sandboxUrl }),
  })
  if (env.OPERATIONS_PORT !== undefined) {
    const { openOperations } = await import('@smartoken/gateway/operations')
    const operations = await openOperations(services, env.OPERATIONS_PORT)
    running.push({ stop: operations.close })
  }
  running.push({ stop: () => services.close(GRACE_MS) })
  return createGatewayListener(services)
}

async function startApi(source: NodeJS.ProcessEnv) {
  const { createApi } = await import('@smartoken/api')
  const { openApiServices } = await import('@smartoken/api/services')
  const services = openApiServices(source)
  running.push({ stop: () => services.prisma.$disconnect() })
  return { services, listener: createApi(services).listener }
}

/** What only development has: a provider of identities, an upstream, and somebody to be. All on loopback. */
async function startDevelopment(env: ReturnType<typeof readEnv>) {
  const secret = localSecret()
  const { startSandbox } = await import('@smartoken/gateway/sandbox')
  const sandbox = await startSandbox()
  running.push({ stop: sandbox.close })
  const client = { clientId: 'smartoken', clientSecret: `client-${secret}` }
  const { startIdentityProvider } = await import('@smartoken/api/identity-provider')
  const identityProvider = await startIdentityProvider({
    ...client,
    redirectUris: [`${env.PUBLIC_URL}/auth/callback`],
    // An identity is its issuer's: the same address at each start, so that accounts are found again.
    port: env.PORT + 1,
  })
  running.push({ stop: () => identityProvider.stop() })
  return {
    sandboxUrl: sandbox.url,
    env: {
      SESSION_SECRET: secret,
      GOOGLE_ISSUER: identityProvider.issuer,
      GOOGLE_CLIENT_ID: client.clientId,
      GOOGLE_CLIENT_SECRET: client.clientSecret,
    },
    async addDemoAccount(services: ApiServices, databaseUrl: string): Promise<string> {
      const { ensureDemoAccount } = await import('@smartoken/api/demo-account')
      const key = secretFromSeed(secret)
      await withPool(databaseUrl, (pool) =>
        ensureDemoAccount(services, pool, {
          issuer: identityProvider.issuer,
          name: 'demo',
          secret: key,
        }),
      )
      return key.secret
    },
  }
}

/** Random, kept in `.data/`: what sessions and the demo key are made from in development. */
function localSecret(): string {
  const file = join(DATA, 'secret')
  mkdirSync(DATA, { recursive: true, mode: 0o700 })
  if (!existsSync(file)) writeFileSync(file, randomBytes(32).toString('base64url'), { mode: 0o600 })
  return readFileSync(file, 'utf8').trim()
}

function addresses(url: string, demoSecret: string | undefined): string {
  const demo =
    demoSecret &&
    `
  Sign in as "demo". Its API key, for development only: ${demoSecret}

  curl ${url}/v1/chat/completions \\
    -H "Authorization: Bearer ${demoSecret}" \\
    -H "Content-Type: application/json" \\
    -d '{"model": "deepseek-chat", "messages": [{"role": "user", "content": "Hello"}]}'
`
  return `
SmarToken is ready, after ${((Date.now() - startedAt) / 1_000).toFixed(1)} s.

  Site     ${url}
  Console  ${url}/console
  GraphQL  ${url}/graphql
  Gateway  ${url}/v1
${demo ?? ''}`
}

/** Stops everything, the last started first: requests end and settle before their database goes. */
function end(code: number): Promise<void> {
  stopping ??= (async () => {
    // Taken one by one: what is being started meanwhile comes onto the list, and is stopped too.
    for (let last = running.pop(); last; last = running.pop()) {
      try {
        await last.stop()
      } catch (error) {
        console.error(error)
      }
    }
    process.exit(code)
  })()
  return stopping
}
