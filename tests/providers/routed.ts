import type { Catalog } from '@smartoken/prisma/catalog'
import { wires } from './wires.ts'

/** A catalog in which every model of a wire has its one route there. */
export function routed(catalog: Catalog): Catalog {
  const models = catalog.models.map((model) => {
    const wire = wires.find((one) => one.model === model.id)
    if (!wire) return model
    const { provider, upstreamModel } = wire
    const route = { ...model.routes[0]!, id: `${provider}/x`, provider, upstreamModel }
    return { ...model, routes: [route] }
  })
  return { ...catalog, models }
}
