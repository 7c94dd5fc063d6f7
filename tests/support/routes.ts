import type { Catalog, CostRow, Rates, Route } from '@smartoken/prisma/catalog'
import type { Rate } from '@smartoken/prisma/money'

/** A further way to a model: by this provider, at so many times what the model's own route costs us. */
export interface FurtherRoute {
  readonly provider: string
  readonly times: number
}

/** Gives models of a catalog further routes, behind their own. */
export const withRoutes =
  (models: readonly string[], ...further: readonly FurtherRoute[]) =>
  (catalog: Catalog): Catalog => ({
    ...catalog,
    models: catalog.models.map((model) =>
      models.includes(model.id)
        ? { ...model, routes: [...model.routes, ...further.map(at(model.routes[0]!))] }
        : model,
    ),
  })

const at =
  (own: Route) =>
  ({ provider, times }: FurtherRoute): Route => ({
    id: `${provider}/other`,
    provider,
    upstreamModel: 'other',
    parameters: {},
    costs: own.costs.map((row) => dearer(row, times)),
  })

const dearer = (row: CostRow, times: number): CostRow => ({
  ...row,
  tiers: row.tiers.map(({ upTo, rates }) => ({
    upTo,
    rates: Object.fromEntries(
      Object.entries(rates).map(([name, rate]) => [name, ((rate as Rate) * BigInt(times)) as Rate]),
    ) as unknown as Rates,
  })),
})
