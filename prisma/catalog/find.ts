import { distance } from 'fastest-levenshtein'
import type { Alias, Catalog, FamilyId, Model } from './model.ts'

export interface FoundModel {
  readonly model: Model
  /** Set where the id asked for is an alias: whoever asks should learn what answers. */
  readonly alias: Alias | undefined
}

/** Characters of an id that are compared; a longer one is no typo. */
const LONGEST = 128

/** Under whose name marketplaces list a family's models, in small letters. */
const makers: Readonly<Record<FamilyId, readonly string[]>> = {
  deepseek: ['deepseek', 'deepseek-ai'],
  qwen: ['qwen', 'alibaba'],
  kimi: ['moonshotai', 'kimi'],
  glm: ['z-ai', 'zai-org'],
  doubao: ['bytedance-seed', 'bytedance'],
  minimax: ['minimax', 'minimaxai'],
}

/**
 * Endings by which OpenRouter is told whom to choose among a model's providers. Other endings name another product (free,
 * with web search, thinking, as a batch): whoever sends one expects what it would not get, so it finds nothing.
 */
const ROUTING = /^(.+):(nitro|floor|exacto)$/

const indexes = new WeakMap<Catalog, ReadonlyMap<string, FoundModel>>()

/**
 * The model of an id or alias, in any case of letters: ids and aliases are one namespace. An id also goes by the name
 * of its maker in front, as marketplaces have it.
 */
export function findModel(catalog: Catalog, id: string): FoundModel | undefined {
  const index = indexOf(catalog)
  const asked = id.toLowerCase()
  const [, base, ending] = ROUTING.exec(asked) ?? []
  const found = index.get(base ?? asked)
  if (!found || base === undefined) return found
  const note = [
    ...(found.alias?.note ? [found.alias.note] : []),
    `":${ending}" chooses among providers elsewhere; here it changes nothing.`,
  ].join(' ')
  return { model: found.model, alias: { id: asked, note } }
}

/** The public ids nearest to one that is none, nearest first. */
export function nearestIds(catalog: Catalog, id: string, count: number): string[] {
  // Neither the maker's name of a marketplace id nor its ending says which model is near.
  const name = id.slice(0, LONGEST).toLowerCase().replace(/^.*\//, '').replace(/:.*$/, '')
  return catalog.models
    .filter(({ sold }) => sold)
    .map((model) => ({ id: model.id, edits: distance(name, model.id) }))
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
  for (const model of catalog.models) {
    for (const maker of makers[model.family]) {
      const id = `${maker}/${model.id}`
      if (!index.has(id)) index.set(id, { model, alias: { id, note: undefined } })
    }
  }
  indexes.set(catalog, index)
  return index
}
