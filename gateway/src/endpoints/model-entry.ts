import { pricesComing, pricesLiveAt, quote } from '@smartoken/prisma/catalog'
import type { Catalog, Model, PriceRow } from '@smartoken/prisma/catalog'
import { formatRate, formatTokenPrice } from '@smartoken/prisma/money'

/** Whether a request for a model would go anywhere: by a way that is well, only by one that often fails, or by none. */
export type ModelStatus = 'available' | 'degraded' | 'unavailable'

/**
 * A model as `/v1/models` tells it: OpenAI's four members, our facts, and those members OpenRouter's list has that others
 * read too (`pricing` is the first tier of the price that holds at that moment, dollars a token).
 */
export function modelEntry(catalog: Catalog, model: Model, at: Date, status: ModelStatus) {
  return {
    id: model.id,
    object: 'model',
    created: Math.trunc(Date.parse(model.released ?? model.updated) / 1_000),
    owned_by: model.family,
    name: model.name,
    description: model.summary,
    status,
    context_length: model.context,
    max_output_tokens: model.maxOutput,
    input_modalities: model.input,
    output_modalities: model.output,
    thinking: model.thinking,
    capabilities: model.capabilities,
    aliases: model.aliases.map((alias) => alias.id),
    deprecation: model.deprecation ?? null,
    /** US dollars per million tokens, decimal strings. */
    prices: pricesLiveAt(model, at).map(priceEntry),
    /** Published, and not in force yet. */
    prices_coming: pricesComing(model, at).map(priceEntry),
    pricing: pricingOf(quote(catalog, model, at).price),
    architecture: {
      modality: `${model.input.join('+')}->${model.output.join('+')}`,
      input_modalities: model.input,
      output_modalities: model.output,
    },
    top_provider: {
      context_length: model.context,
      max_completion_tokens: model.maxOutput,
      is_moderated: false,
    },
    supported_parameters: parametersOf(model),
  }
}

const priceEntry = (price: PriceRow) => ({
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
})

function pricingOf({ tiers }: PriceRow) {
  const { rates } = tiers[0]!
  return {
    prompt: formatTokenPrice(rates.input),
    completion: formatTokenPrice(rates.output),
    input_cache_read: formatTokenPrice(rates.cachedInput),
    input_cache_write: formatTokenPrice(rates.cacheWrite),
    internal_reasoning: formatTokenPrice(rates.thinkingOutput),
    request: '0',
  }
}

function parametersOf({ capabilities, thinking }: Model): string[] {
  const json = capabilities.includes('json_object') || capabilities.includes('json_schema')
  return [
    'max_tokens',
    'temperature',
    'top_p',
    'stop',
    ...(capabilities.includes('tools') ? ['tools', 'tool_choice'] : []),
    ...(json ? ['response_format'] : []),
    ...(capabilities.includes('json_schema') ? ['structured_outputs'] : []),
    ...(thinking === 'none' ? [] : ['reasoning', 'include_reasoning']),
  ]
}
