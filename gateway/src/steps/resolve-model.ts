import { findModel, nearestIds, type Catalog, type FoundModel } from '@smartoken/prisma/catalog'
import { ApiError } from '../errors.ts'

/** The model an id or alias names. @throws ApiError 404 with the three nearest ids. */
export function resolveModel(catalog: Catalog, id: string): FoundModel {
  const found = findModel(catalog, id)
  if (found?.model.sold) return found
  const nearest = nearestIds(catalog, id, 3)
  throw new ApiError('model_not_found', {
    message: `The model "${id.slice(0, 100)}" does not exist${variant(id)}. Did you mean ${nearest.join(', ')}? All ids: GET /v1/models.`,
    param: 'model',
    extra: { nearest },
  })
}

const variant = (id: string): string =>
  /:\w+$/.test(id) ? ' here: SmarToken has no such variants of its models' : ''
