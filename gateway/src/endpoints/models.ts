import { pricesLiveAt, type Model } from '@smartoken/prisma/catalog'
import { formatRate } from '@smartoken/prisma/money'
import type { Context } from 'hono'
import type { Services } from '../open-services.ts'
import { isServed } from '../steps/choose-routes.ts'
import { resolveModel } from '../steps/resolve-model.ts'

/** GET /v1/models: every model sold, in OpenAI's shape with our facts beside it. Needs no key. */
export const listModels =
  (services: Services) =>
  (c: Context): Response => {
    const { catalog, clock } = services
    return c.json({
      object: 'list',
      catalog: catalog.digest,
      data: catalog.models
        .filter((model) => model.sold)
        .map((model) => describe(model, clock.now(), isServed(services, model))),
    })
  }

/** GET /v1/models/{id}, by id or alias; aliases contain slashes. */
export const getModel =
  (services: Services) =>
  (c: Context): Response => {
    const { catalog, clock } = services
    const { model } = resolveModel(catalog, decoded(c.req.path.slice('/v1/models/'.length)))
    return c.json(describe(model, clock.now(), isServed(services, model)))
  }

/** An id as it is meant; one that is not decodable as it stands. */
function decoded(id: string): string {
  try {
    return decodeURIComponent(id)
  } catch {
    return id
  }
}

function describe(model: Model, at: Date, available: boolean) {
  return {
    id: model.id,
    object: 'model',
    created: Math.trunc(Date.parse(model.released ?? model.updated) / 1_000),
    owned_by: model.family,
    name: model.name,
    status: available ? 'available' : 'unavailable',
    context_length: model.context,
    max_output_tokens: model.maxOutput,
    input_modalities: model.input,
    output_modalities: model.output,
    thinking: model.thinking,
    thinks_unasked: model.thinksUnasked,
    capabilities: model.capabilities,
    aliases: model.aliases.map((alias) => alias.id),
    /** US dollars per million tokens, decimal strings. */
    prices: pricesLiveAt(model, at).map((price) => ({
      id: price.id,
      from: price.from.toISOString(),
      window: price.window ?? null,
      tiers: price.tiers.map(({ upTo, rates }) => ({
        prompt_tokens_up_to: upTo ?? null,
        input: formatRate(rates.input),
        cached_input: formatRate(rates.cachedInput),
        cache_write: formatRate(rates.cacheWrite),
        output: formatRate(rates.output),
        thinking_output: formatRate(rates.thinkingOutput),
      })),
    })),
  }
}
