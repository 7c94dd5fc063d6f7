import { distance } from 'fastest-levenshtein'
import type { Alias, Catalog, Model } from './model.ts'

export interface FoundModel {
  readonly model: Model
  /** Set where the id asked for is an alias: whoever asks should learn what answers. */
  readonly alias: Alias | undefined
}

/** The longest id worth comparing; a longer one is no typo. */
const LONGEST = 128

const indexes = new WeakMap<Catalog, ReadonlyMap<string, FoundModel>>()

/** The model of an id or alias, in any case of letters: ids and aliases are one namespace. */
export function findModel(catalog: Catalog, id: string): FoundModel | undefined {
  return indexOf(catalog).get(id.toLowerCase())
}

/** The public ids a mistyped id may have meant, nearest first; empty where nothing is near. */
export function nearestIds(catalog: Catalog, id: string, count: number): string[] {
  const asked = id.toLowerCase()
  if (asked.length > LONGEST) return []
  // The maker's prefix of a marketplace id says nothing about which model is near.
  const name = asked.slice(asked.lastIndexOf('/') + 1)
  return catalog.models
    .filter(({ sold }) => sold)
    .map((model) => ({ id: model.id, edits: distance(name, model.id) }))
    .filter(({ id, edits }) => edits <= Math.max(name.length, id.length) / 2)
    .toSorted((left, right) => left.edits - right.edits || left.id.localeCompare(right.id))
    .slice(0, count)
    .map(({ id }) => id)
}

function indexOf(catalog: Catalog): ReadonlyMap<string, FoundModel> {
  const known = indexes.get(catalog)
  if (known) return known
  const index = new Map<string, FoundModel>()
  for (const model of catalog.models) {
    index.set(model.id, { model, alias: undefined })
    for (const alias of model.aliases) index.set(alias.id.toLowerCase(), { model, alias })
  }
  indexes.set(catalog, index)
  return index
}
