declare const types: unique symbol

/** The text of a GraphQL operation, which carries the types of its answer and its variables. */
export type Operation<Data, Variables> = string & {
  readonly [types]?: (variables: Variables) => Data
}

/** US dollars: an exact decimal, never a number. */
export type Dollars = string

/** RFC 3339. */
export type Instant = string

export interface Account {
  readonly id: string
  readonly email: string
  readonly name: string
  readonly wallet: Wallet
  readonly apiKeys: readonly ApiKey[]
}

export interface Wallet {
  readonly available: Dollars
  readonly posted: Dollars
  readonly held: Dollars
  readonly paid: Dollars
  readonly promo: Dollars
}

export interface ApiKey {
  readonly id: string
  readonly name: string
  readonly hint: string
  readonly createdAt: Instant
  readonly lastUsedAt: Instant | null
  readonly revokedAt: Instant | null
}

export interface TokenCounts {
  readonly inputTokens: number
  readonly cachedInputTokens: number
  readonly cacheWriteTokens: number
  readonly outputTokens: number
  readonly thinkingOutputTokens: number
}

export interface RequestRow extends TokenCounts {
  readonly id: string
  readonly requestId: string
  readonly apiKey: { readonly id: string; readonly name: string; readonly hint: string }
  readonly model: string
  readonly modelAsked: string
  readonly stream: boolean
  readonly provider: string | null
  readonly sandbox: boolean
  readonly status: number
  readonly outcome: string
  readonly errorCode: string | null
  readonly finishReason: string | null
  readonly usageSource: string
  readonly usageFlag: string | null
  readonly priceId: string
  readonly charge: Dollars
  readonly excused: Dollars
  readonly shortfall: Dollars
  readonly refunded: Dollars
  readonly openedAt: Instant
  readonly firstOutputAt: Instant | null
  readonly finishedAt: Instant
}

/** A page of requests, newest first. */
export interface RequestPage {
  readonly edges: readonly { readonly node: RequestRow }[]
  readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null }
}

const API_KEY = `id name hint createdAt lastUsedAt revokedAt`

const REQUEST_PAGE = `
  edges {
    node {
      id requestId model modelAsked stream provider sandbox
      apiKey { id name hint }
      status outcome errorCode finishReason
      inputTokens cachedInputTokens cacheWriteTokens outputTokens thinkingOutputTokens
      usageSource usageFlag priceId charge excused shortfall refunded openedAt firstOutputAt finishedAt
    }
  }
  pageInfo { hasNextPage endCursor }`

export const readAccount: Operation<
  { readonly viewer: (Account & { readonly requests: RequestPage }) | null },
  Record<string, never>
> = `query ReadAccount {
  viewer {
    id email name
    wallet { available posted held paid promo }
    apiKeys { ${API_KEY} }
    requests(first: 20) { ${REQUEST_PAGE} }
  }
}`

export const readMoreRequests: Operation<
  { readonly viewer: { readonly id: string; readonly requests: RequestPage } | null },
  { readonly after: string }
> = `query ReadMoreRequests($after: String!) {
  viewer {
    id
    requests(first: 20, after: $after) { ${REQUEST_PAGE} }
  }
}`

export const createApiKey: Operation<
  { readonly createApiKey: { readonly apiKey: ApiKey; readonly secret: string } },
  { readonly name: string }
> = `mutation CreateApiKey($name: String!) {
  createApiKey(input: { name: $name }) {
    apiKey { ${API_KEY} }
    secret
  }
}`

export const revokeApiKey: Operation<
  { readonly revokeApiKey: { readonly account: { readonly apiKeys: readonly ApiKey[] } } },
  { readonly id: string }
> = `mutation RevokeApiKey($id: ID!) {
  revokeApiKey(input: { id: $id }) {
    account { apiKeys { ${API_KEY} } }
  }
}`
