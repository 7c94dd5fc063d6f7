import { cost, type Catalog, type Model, type Route } from '@smartoken/prisma/catalog'
import type { ModelStatus } from '../endpoints/model-entry.ts'
import { ApiError } from '../errors.ts'
import type { Services } from '../open-services.ts'
import type { Circuit } from '../routing/circuit.ts'
import { byRendezvous } from '../routing/rendezvous.ts'
import type { Upstream, Upstreams } from '../upstreams/upstreams.ts'
import type { Caller } from './authenticate.ts'
import type { ChatRequest } from './read-chat-request.ts'

/** A route of a model by one of its provider's keys. */
export interface OpenRoute {
  readonly route: Route
  readonly upstream: Upstream
}

/**
 * The ways a request can go, the first to be tried first: those that are well before those that often fail or are full,
 * the cheapest for us now before dearer ones, then in the catalog's order; of a provider's keys the one whose cache of
 * this caller's prompts is warm.
 *
 * @throws ApiError: 503 where no provider of the model is enabled, or none is well; 429 where all of them limit us or have
 * no slot for this account
 */
export function chooseRoutes(
  { upstreams, health, catalog, clock }: Services,
  model: Model,
  request: ChatRequest,
  { accountId }: Caller,
): readonly OpenRoute[] {
  const configured = routesOf(upstreams, model)
  if (configured.length === 0) throw new ApiError('model_unavailable')
  const affinity = affinityOf(accountId, request, model)
  const all = cheapestFirst(configured, catalog, clock.now(), request, model).flatMap((route) =>
    byRendezvous(affinity, upstreams.get(route.provider)!).map((upstream) => ({ route, upstream })),
  )
  const usable = all.filter((open) => health.of(open).standing !== 'out')
  if (usable.length === 0) throw noneIsWell(all.map((open) => health.of(open)))
  const sheds = new Map(usable.map((open) => [open, open.upstream.slots.shed(accountId)]))
  const times = [...sheds.values()].filter((ms) => ms !== undefined)
  if (times.length === usable.length) throw loadProtection(Math.min(...times))
  const rank = (open: OpenRoute) =>
    Number(health.of(open).standing === 'failing') + (sheds.get(open) === undefined ? 0 : 2)
  return usable.toSorted((one, other) => rank(one) - rank(other))
}

/** A refusal because there is too much to do; how long to wait, ms. */
export const loadProtection = (retryAfterMs: number): ApiError =>
  new ApiError('load_protection', { headers: retryAfter(retryAfterMs) })

/** Whether a request for the model would go anywhere now, and by a way that is well. */
export function statusOf({ upstreams, health }: Services, model: Model): ModelStatus {
  const standings = routesOf(upstreams, model).flatMap((route) =>
    upstreams.get(route.provider)!.map((upstream) => health.of({ route, upstream }).standing),
  )
  if (standings.includes('well')) return 'available'
  return standings.every((standing) => standing === 'out') ? 'unavailable' : 'degraded'
}

/** The model's routes whose provider is enabled; sandboxes only where there is nothing else. */
function routesOf(upstreams: Upstreams, { routes }: Model): readonly Route[] {
  const enabled = routes.filter(({ provider }) => upstreams.has(provider))
  const real = enabled.filter(({ provider }) => !upstreams.get(provider)![0]!.sandbox)
  return real.length > 0 ? real : enabled
}

/** The cheapest for us first. */
function cheapestFirst(
  routes: readonly Route[],
  catalog: Catalog,
  at: Date,
  request: ChatRequest,
  model: Model,
): readonly Route[] {
  if (routes.length < 2) return routes
  const usage = {
    input: Math.ceil(request.prompt.bytes / BYTES_PER_TOKEN),
    cachedInput: 0,
    cacheWrite: 0,
    output: Math.min(request.maxTokensAsked ?? Infinity, model.defaultOutput),
    thinkingOutput: 0,
  }
  return routes
    .map((route) => ({ route, cost: cost(catalog, usage, route, at) }))
    .toSorted((one, other) => Number(one.cost - other.cost))
    .map(({ route }) => route)
}

/** A guess that decides between routes, and nothing else. */
const BYTES_PER_TOKEN = 4

/** What a caller's requests have in common where a provider's cache may know their beginning. */
function affinityOf(accountId: string, { fields }: ChatRequest, model: Model): string {
  const own = [fields['prompt_cache_key'], fields['user']].find((one) => typeof one === 'string')
  return `${accountId}\0${own ?? model.id}`
}

function noneIsWell(circuits: readonly Circuit[]): ApiError {
  const ms = Math.min(...circuits.map(({ outForMs }) => outForMs))
  return circuits.every(({ reason }) => reason === 'limited')
    ? loadProtection(ms)
    : new ApiError('upstream_unavailable', { headers: retryAfter(ms) })
}

/** SDKs do not wait any longer. */
const MOST_RETRY_AFTER_SECONDS = 60

function retryAfter(ms: number): { 'retry-after': string } {
  const seconds = Math.max(Math.ceil(ms / 1_000), 1)
  return { 'retry-after': String(Math.min(seconds, MOST_RETRY_AFTER_SECONDS)) }
}
