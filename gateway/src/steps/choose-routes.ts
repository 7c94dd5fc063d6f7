import type { Model, Route } from '@smartoken/prisma/catalog'
import { ApiError } from '../errors.ts'
import type { Upstream, Upstreams } from '../upstreams/upstreams.ts'

/** A route whose upstream is configured. */
export interface OpenRoute {
  readonly route: Route
  readonly upstream: Upstream
}

/** The routes of a model that can be used, in the catalog's order. @throws ApiError 503 when there is none. */
export function chooseRoutes(upstreams: Upstreams, model: Model): readonly OpenRoute[] {
  const open = model.routes.flatMap((route) => {
    const upstream = upstreams.get(route.provider)
    return upstream ? [{ route, upstream }] : []
  })
  if (open.length === 0) throw new ApiError('model_unavailable')
  return open
}
