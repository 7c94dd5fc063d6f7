import type { Provider } from '@smartoken/prisma/catalog'
import { Pool } from 'undici'
import type { Dialect } from '../providers/dialect.ts'
import { dialectOf } from '../providers/dialect-of.ts'

/** A configured endpoint and credential at a provider. */
export interface Upstream {
  readonly provider: string
  /** The development sandbox in the provider's place; its answers are marked. */
  readonly sandbox: boolean
  /** Path prefix of the base URL, before `/chat/completions`. */
  readonly path: string
  readonly authorization: string
  /** What letting go of an answer does to its bill. */
  readonly billsOnCancel: Dialect['billsOnCancel']
  readonly pool: Pool
}

/** Enabled upstreams by provider. */
export type Upstreams = ReadonlyMap<string, Upstream>

export interface UpstreamConfiguration {
  readonly apiKey: string | undefined
  readonly baseUrl: string
}

/** Connections kept to one upstream. */
const CONNECTIONS = 512
/** A provider may think long before its first byte: DeepSeek closes after 10 minutes itself. */
const FIRST_BYTE_MS = 600_000
/** Silence inside an answer; providers send keep-alives far more often. */
const IDLE_MS = 120_000

/** Opens a pool for every provider with a key and, where there is a sandbox, for it in place of all others. */
export function openUpstreams(
  providers: Iterable<Provider>,
  configurationOf: (provider: Provider) => UpstreamConfiguration,
  sandboxUrl?: string,
): Upstreams {
  const upstreams = new Map<string, Upstream>()
  for (const provider of providers) {
    const { apiKey, baseUrl } = configurationOf(provider)
    if (apiKey) upstreams.set(provider.id, openUpstream(provider.id, baseUrl, apiKey, false))
    else if (sandboxUrl)
      upstreams.set(provider.id, openUpstream(provider.id, sandboxUrl, 'sandbox', true))
  }
  return upstreams
}

export const closeUpstreams = async (upstreams: Upstreams): Promise<void> => {
  await Promise.all([...upstreams.values()].map((upstream) => upstream.pool.destroy()))
}

function openUpstream(
  provider: string,
  baseUrl: string,
  apiKey: string,
  sandbox: boolean,
): Upstream {
  const url = new URL(baseUrl)
  return {
    provider,
    sandbox,
    path: url.pathname.replace(/\/$/, ''),
    authorization: `Bearer ${apiKey}`,
    billsOnCancel: dialectOf(provider).billsOnCancel,
    pool: new Pool(url.origin, {
      connections: CONNECTIONS,
      headersTimeout: FIRST_BYTE_MS,
      bodyTimeout: IDLE_MS,
    }),
  }
}
