import type { CostRow, FamilyId, Model, PriceRow, Provider, Rates, Source, Tier } from './model.ts'
import type { Route, Window } from './model.ts'
import type {
  ModelFile,
  ProvidersFile,
  RowFile,
  SourceFile,
  TierFile,
  WindowsFile,
} from './schema.ts'

/** A model as its checked file says it: absent rates filled in, price rows with their ids. */
export function buildModel(id: string, family: FamilyId, file: ModelFile): Model {
  const { max_output, default_output, thinks_unasked, ...more } = file
  const { prices, routes, history, sources, aliases, ...same } = more
  return {
    ...same,
    id,
    family,
    released: file.released,
    deprecation: file.deprecation,
    maxOutput: max_output,
    defaultOutput: default_output,
    thinksUnasked: thinks_unasked ?? file.thinking === 'always',
    aliases: aliases.map(({ id, note }) => ({ id, note })),
    prices: prices.map((row) => priceRow(id, row)),
    routes: routes.map(buildRoute),
    history: history
      .map(({ date, text, source }) => ({ date, text, source: source && buildSource(source) }))
      .toSorted((left, right) => right.date.localeCompare(left.date)),
    sources: sources.map(buildSource),
  }
}

export function buildProviders(file: ProvidersFile): Map<string, Provider> {
  return new Map(
    Object.entries(file).map(([id, { base_url, pricing_url, ...same }]) => [
      id,
      { ...same, id, baseUrl: base_url, pricingUrl: pricing_url },
    ]),
  )
}

export function buildWindows(file: WindowsFile): Map<string, Window> {
  return new Map(
    Object.entries(file).map(([id, window]) => [
      id,
      { ...window, id, source: buildSource(window.source) },
    ]),
  )
}

export function buildSource({ url, read, note }: SourceFile): Source {
  return { url, read, note }
}

function buildRoute(file: ModelFile['routes'][number]): Route {
  return {
    id: `${file.provider}/${file.upstream_model}`,
    provider: file.provider,
    upstreamModel: file.upstream_model,
    parameters: file.parameters,
    costs: file.costs.map(costRow),
  }
}

function priceRow(model: string, row: RowFile): PriceRow {
  const id = `${model}/${row.from}${row.window === undefined ? '' : `/${row.window}`}`
  return { id, ...conditions(row) }
}

function costRow(row: ModelFile['routes'][number]['costs'][number]): CostRow {
  return { ...conditions(row), currency: row.currency, source: buildSource(row.source) }
}

function conditions({ from, window, tiers }: RowFile) {
  return { from: new Date(`${from}T00:00:00Z`), window, tiers: tiers.map(buildTier) }
}

function buildTier(tier: TierFile): Tier {
  const rates: Rates = {
    input: tier.input,
    cachedInput: tier.cached_input ?? tier.input,
    cacheWrite: tier.cache_write ?? tier.input,
    output: tier.output,
    thinkingOutput: tier.thinking_output ?? tier.output,
  }
  return { upTo: tier.up_to, rates }
}
