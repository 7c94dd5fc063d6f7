import { findModel, nearestIds, type Catalog, type Model } from '@smartoken/prisma/catalog'
import { ApiError } from '../errors.ts'

/** The model an id or alias names. @throws ApiError 404 with the three nearest ids. */
export function resolveModel(catalog: Catalog, id: string): Model {
  const found = findModel(catalog, id)
  if (found?.model.sold) return found.model
  const nearest = nearestIds(catalog, id, 3)
  throw new ApiError('model_not_found', {
    message: `The model "${id.slice(0, 100)}" does not exist. ${hint(nearest)}All ids: GET /v1/models.`,
    param: 'model',
    extra: { nearest },
  })
}

const hint = (nearest: readonly string[]): string =>
  nearest.length > 0 ? `Did you mean ${nearest.join(', ')}? ` : ''
