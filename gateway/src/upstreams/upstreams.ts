import type { Provider } from '@smartoken/prisma/catalog'
import type { Pool } from 'undici'
import type { Dialect } from '../providers/dialect.ts'
import { Slots } from '../load/slots.ts'
import { dialectOf } from '../providers/dialect-of.ts'
import { callerPseudonym } from '../routing/caller-pseudonym.ts'
import { openPool } from './pool.ts'

/** A configured endpoint at a provider and one key for it. */
export interface Upstream {
  /** `<provider>#<n>`, by the key's place in its variable. */
  readonly id: string
  readonly provider: string
  /** The development sandbox in the provider's place; its answers are marked. */
  readonly sandbox: boolean
  /** Path prefix of the base URL, before `/chat/completions`. */
  readonly path: string
  readonly authorization: string
  /** What the provider is told of an account. */
  readonly pseudonymOf: (accountId: string) => string
  /** What letting go of an answer does to its bill. */
  readonly billsOnCancel: Dialect['billsOnCancel']
  readonly pool: Pool
  /** How many requests it is asked at once. */
  readonly slots: Slots
}

/** Enabled upstreams by provider, one a key. */
export type Upstreams = ReadonlyMap<string, readonly Upstream[]>

export interface UpstreamConfiguration {
  /** None: the provider is not enabled. */
  readonly apiKeys: readonly string[]
  readonly baseUrl: string
  /** Requests at once by each key. */
  readonly concurrency: number
}

/** Opens a pool for every key of every provider and, where there is a sandbox, for it in place of those without. */
export function openUpstreams(
  providers: Iterable<Provider>,
  configurationOf: (provider: Provider) => UpstreamConfiguration,
  sandboxUrl?: string,
): Upstreams {
  const upstreams = new Map<string, readonly Upstream[]>()
  for (const provider of providers) {
    const configuration = configurationOf(provider)
    const { apiKeys } = configuration
    if (apiKeys.length > 0) upstreams.set(provider.id, openKeys(provider.id, configuration, false))
    else if (sandboxUrl) {
      const sandbox = { ...configuration, apiKeys: ['sandbox'], baseUrl: sandboxUrl }
      upstreams.set(provider.id, openKeys(provider.id, sandbox, true))
    }
  }
  return upstreams
}

export const closeUpstreams = async (upstreams: Upstreams): Promise<void> => {
  await Promise.all([...upstreams.values()].flat().map((upstream) => upstream.pool.destroy()))
}

function openKeys(
  provider: string,
  { apiKeys, baseUrl, concurrency }: UpstreamConfiguration,
  sandbox: boolean,
): readonly Upstream[] {
  const url = new URL(baseUrl)
  return apiKeys.map((apiKey, at) => ({
    id: `${provider}#${at + 1}`,
    provider,
    sandbox,
    path: url.pathname.replace(/\/$/, ''),
    authorization: `Bearer ${apiKey}`,
    pseudonymOf: (accountId) => callerPseudonym(apiKey, accountId),
    billsOnCancel: dialectOf(provider).billsOnCancel,
    pool: openPool(url.origin, concurrency),
    slots: new Slots({ most: concurrency }),
  }))
}
