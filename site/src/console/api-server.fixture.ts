import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { buildSchema, graphql, GraphQLError } from 'graphql'
import type { Account, ApiKey, RequestPage, RequestRow } from './operations.ts'

export const schema = buildSchema(
  readFileSync(new URL('../../../api/schema.graphql', import.meta.url), 'utf8'),
)

/** A server at which the console can be tried: the API's schema, over a few rows in memory. */
export interface ApiServer {
  readonly origin: string
  /** What it has; change it at will. */
  readonly rows: Rows
  /** Answers the next request in the place of GraphQL. */
  next: ((response: ServerResponse) => void) | undefined
  close(): Promise<void>
}

export interface Rows {
  account: Omit<Account, 'apiKeys'> | null
  apiKeys: ApiKey[]
  /** Newest first. */
  requests: RequestRow[]
}

export const SECRET = 'sk-st-0123456789abcdefghijklmnopqrstuv012345'

const PAGE = 20

export async function startApiServer(rows: Rows = someRows()): Promise<ApiServer> {
  const listener = createServer((request, response) => void answer(server, request, response))
  const server: ApiServer = {
    origin: '',
    rows,
    next: undefined,
    async close() {
      listener.closeAllConnections()
      listener.close()
      await once(listener, 'close')
    },
  }
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const { port } = listener.address() as AddressInfo
  return Object.assign(server, { origin: `http://127.0.0.1:${port}` })
}

/** Handles `/graphql` and `/auth/sign-out`; other paths are 404. */
export async function answer(
  server: Pick<ApiServer, 'rows' | 'next'>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const body = await text(request)
  const { next } = server
  server.next = undefined
  if (next) return next(response)
  if (request.method !== 'POST' || request.headers['x-graphql-yoga-csrf'] === undefined) {
    response.writeHead(403).end()
    return
  }
  if (request.url === '/auth/sign-out') {
    server.rows.account = null
    response.writeHead(204).end()
    return
  }
  const { query, variables } = JSON.parse(body)
  const result = await graphql({
    schema,
    source: query,
    variableValues: variables,
    rootValue: resolvers(server.rows),
  })
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(result))
}

function resolvers(rows: Rows) {
  const signedIn = (): void => {
    if (rows.account) return
    throw new GraphQLError('Sign in first.', { extensions: { code: 'UNAUTHENTICATED' } })
  }
  const viewer = () =>
    rows.account && {
      ...rows.account,
      apiKeys: () => rows.apiKeys,
      requests: ({ first = PAGE, after }: { first?: number; after?: string }) =>
        page(rows.requests, first, after),
    }
  return {
    viewer,
    createApiKey({ input }: { input: { name: string } }) {
      signedIn()
      if (input.name.trim() === '') {
        const message = 'name: give the key a name'
        throw new GraphQLError(message, { extensions: { code: 'BAD_INPUT' } })
      }
      const apiKey = someKey({ id: `key_new_${rows.apiKeys.length}`, name: input.name })
      rows.apiKeys.unshift(apiKey)
      return { apiKey, secret: SECRET }
    },
    revokeApiKey({ input }: { input: { id: string } }) {
      signedIn()
      rows.apiKeys = rows.apiKeys.map((apiKey) =>
        apiKey.id === input.id ? { ...apiKey, revokedAt: '2026-11-23T09:00:00.000Z' } : apiKey,
      )
      return { apiKey: rows.apiKeys.find(({ id }) => id === input.id), account: viewer() }
    },
  }
}

function page(requests: readonly RequestRow[], first: number, after?: string): RequestPage {
  const rest = requests.filter(({ id }) => after === undefined || id < after)
  const nodes = rest.slice(0, first)
  return {
    edges: nodes.map((node) => ({ node })),
    pageInfo: { hasNextPage: rest.length > first, endCursor: nodes.at(-1)?.id ?? null },
  }
}

export function someRows(requests = 0): Rows {
  return {
    account: {
      id: 'acc_1',
      email: 'reader@example.com',
      name: 'A reader',
      wallet: {
        available: '12.3456789',
        posted: '12.50',
        held: '0.1543211',
        paid: '10.00',
        promo: '2.50',
      },
    },
    apiKeys: [],
    requests: Array.from({ length: requests }, (_, at) => someRequest(requests - at)),
  }
}

export function someKey(parts: Partial<ApiKey> = {}): ApiKey {
  return {
    id: 'key_1',
    name: 'a server',
    hint: 'sk-st-…2345',
    createdAt: '2026-11-20T08:00:00.000Z',
    lastUsedAt: null,
    revokedAt: null,
    ...parts,
  }
}

/** The request that was the `at`th to be made. */
export function someRequest(at: number, parts: Partial<RequestRow> = {}): RequestRow {
  const id = `req_00${at.toString().padStart(26, '0')}`
  return {
    id,
    requestId: id,
    apiKey: { id: 'key_1', name: 'a server', hint: 'sk-st-…2345' },
    model: 'deepseek-chat',
    modelAsked: 'deepseek-chat',
    stream: false,
    provider: 'deepseek',
    sandbox: false,
    status: 200,
    outcome: 'completed',
    errorCode: null,
    finishReason: 'stop',
    inputTokens: 1_000,
    cachedInputTokens: 0,
    cacheWriteTokens: 0,
    outputTokens: 200,
    thinkingOutputTokens: 0,
    usageSource: 'provider',
    usageFlag: null,
    priceId: 'deepseek-chat/2026-11-20',
    charge: '0.000297',
    excused: '0.00',
    shortfall: '0.00',
    refunded: '0.00',
    openedAt: '2026-11-23T08:30:00.000Z',
    firstOutputAt: null,
    finishedAt: '2026-11-23T08:30:02.500Z',
    ...parts,
  }
}
