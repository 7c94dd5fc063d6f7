import { createHash } from 'node:crypto'
import type { Model } from '@smartoken/prisma/catalog'
import type { Context } from 'hono'
import type { Services } from '../open-services.ts'
import { statusOf } from '../steps/choose-routes.ts'
import { resolveModel } from '../steps/resolve-model.ts'
import { modelEntry, type ModelStatus } from './model-entry.ts'

const MINUTE_MS = 60_000

/** Something that is served as it is for as long as it is true. */
interface Body {
  readonly text: string
  readonly etag: string
}

/** GET /v1/models: every model sold, in OpenAI's shape with our facts beside it. Needs no key. */
export const listModels = (services: Services) => {
  const { catalog } = services
  const sold = catalog.models.filter((model) => model.sold)
  const body = remembered((at, statuses) =>
    JSON.stringify({
      object: 'list',
      catalog: catalog.digest,
      data: sold.map((model, place) => modelEntry(catalog, model, at, statuses[place]!)),
    }),
  )
  return (c: Context): Response => answer(c, body(services, sold))
}

/** GET /v1/models/{id}, by id or alias; aliases contain slashes. */
export const getModel = (services: Services) => {
  const { catalog } = services
  const bodies = new Map(
    catalog.models.map((model) => [
      model.id,
      remembered((at, [status]) => JSON.stringify(modelEntry(catalog, model, at, status!))),
    ]),
  )
  return (c: Context): Response => {
    const { model, alias } = resolveModel(catalog, decoded(c.req.path.slice('/v1/models/'.length)))
    if (alias?.note) c.header('x-smartoken-alias', `${model.id}: ${alias.note}`)
    return answer(c, bodies.get(model.id)!(services, [model]))
  }
}

/** An id as it is meant; one that is not decodable as it stands. */
function decoded(id: string): string {
  try {
    return decodeURIComponent(id)
  } catch {
    return id
  }
}

/** Makes a body anew only when a minute has begun, in which a price may have changed, or a model has fared differently. */
function remembered(make: (at: Date, statuses: readonly ModelStatus[]) => string) {
  let known: (Body & { readonly of: string }) | undefined
  return (services: Services, models: readonly Model[]): Body => {
    const statuses = models.map((model) => statusOf(services, model))
    const minute = Math.trunc(services.clock.now().getTime() / MINUTE_MS)
    const of = `${minute} ${statuses.join(' ')}`
    if (known?.of === of) return known
    const text = make(new Date(minute * MINUTE_MS), statuses)
    const etag = `"${createHash('sha256').update(text).digest('base64url').slice(0, 22)}"`
    known = { of, text, etag }
    return known
  }
}

function answer(c: Context, { text, etag }: Body): Response {
  c.header('etag', etag)
  c.header('cache-control', 'public, max-age=60')
  if (c.req.header('if-none-match')?.includes(etag)) return c.body(null, 304)
  return c.body(text, 200, { 'content-type': 'application/json' })
}
