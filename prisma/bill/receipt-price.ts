import type { Catalog, Model, PriceRow, Rates, Window } from '../catalog/model.ts'
import { tierFor } from '../catalog/price.ts'
import { rowAt } from '../catalog/quote.ts'
import { promptTokens, type Usage } from '../catalog/usage.ts'
import { clockTime, windowHours } from '../catalog/window-hours.ts'
import { formatRate } from '../money.ts'
import type { Receipt } from './receipt-schema.ts'
import type { SettledRequest } from './receipt.ts'

/** What a receipt says of the price a request was charged by, and where that comes from. */
export function priceOf(
  catalog: Catalog,
  model: Model | undefined,
  { usage, route, openedAt }: Pick<SettledRequest, 'usage' | 'route' | 'openedAt'>,
  price: PriceRow,
): Receipt['price'] {
  const tier = tierFor(price, promptTokens(usage))
  const window = price.window === undefined ? undefined : catalog.windows.get(price.window)
  const taken = model?.routes.find(({ id }) => id === route)
  const source = taken && rowAt(catalog, taken.costs, openedAt)?.source
  return {
    id: price.id,
    valid_from: price.from.toISOString(),
    unit: 'USD per million tokens',
    window: window ? hoursOf(window, openedAt) : null,
    tiers: price.tiers.map(({ upTo, rates }) => ({
      prompt_tokens_up_to: upTo ?? null,
      ...inWords(formatted(rates)),
    })),
    tier: price.tiers.indexOf(tier),
    tier_because: tierReason(price, promptTokens(usage)),
    source: {
      page: model ? `/models/${model.id}` : null,
      catalog: catalog.digest,
      list_price: source ? { route: taken.id, url: source.url, read: source.read } : null,
    },
  }
}

/** Something of each token class, by the names JSON has for them. */
export const inWords = <Value>(of: Record<keyof Usage, Value>) => ({
  input: of.input,
  cached_input: of.cachedInput,
  cache_write: of.cacheWrite,
  output: of.output,
  thinking_output: of.thinkingOutput,
})

const formatted = (rates: Rates): Record<keyof Usage, string> => ({
  input: formatRate(rates.input),
  cachedInput: formatRate(rates.cachedInput),
  cacheWrite: formatRate(rates.cacheWrite),
  output: formatRate(rates.output),
  thinkingOutput: formatRate(rates.thinkingOutput),
})

/** Why a prompt of so many tokens is charged by the tier it is. */
function tierReason({ tiers }: PriceRow, prompt: number): string {
  if (tiers.length === 1) return 'The price has one tier.'
  const { upTo } = tierFor({ tiers }, prompt)
  const bound = upTo === undefined ? `more than ${tiers.at(-2)?.upTo ?? 0}` : `no more than ${upTo}`
  return `The prompt has ${prompt} tokens, ${bound}.`
}

function hoursOf(window: Window, at: Date): Receipt['price']['window'] {
  return {
    id: window.id,
    rule: `${window.name}: ${windowHours(window, at)}.`,
    zone: window.zone,
    weekdays: [...window.weekdays],
    hours: window.hours.map(({ from, until }) => ({
      from: clockTime(from),
      until: clockTime(until),
    })),
    except: [...window.except],
    source: window.source.url,
  }
}
