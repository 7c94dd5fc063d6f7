import type { Rate } from '../money.ts'

/** The families sold. A family is a maker's line of models and a folder under `models/`. */
export const families = ['deepseek', 'qwen', 'kimi', 'glm', 'doubao', 'minimax'] as const
export type FamilyId = (typeof families)[number]

/**
 * What a million tokens of each class costs. The classes are disjoint: a prompt is
 * input + cachedInput + cacheWrite, an answer is output or, with thinking on, thinkingOutput
 * (reasoning and answer together, as Alibaba bills it).
 * A class the file leaves out takes the rate of the class it is a variant of, so all five are always here.
 */
export interface Rates {
  readonly input: Rate
  readonly cachedInput: Rate
  readonly cacheWrite: Rate
  readonly output: Rate
  readonly thinkingOutput: Rate
}

/** Rates for prompts up to `upTo` tokens (inclusive); the last tier of a row has none. The whole request takes one tier. */
export interface Tier {
  readonly upTo: number | undefined
  readonly rates: Rates
}

/** One price row: what we sell a model for from an instant on, in US dollars. Never changed once published: a new price is a new row. */
export interface PriceRow {
  /** `<model>/<from as yyyy-mm-dd>` or `<model>/<from>/<window>`; stored with every charge made by it. */
  readonly id: string
  readonly from: Date
  /** The calendar window this row is for; `undefined` = whenever no window of the same `from` applies. */
  readonly window: string | undefined
  /** At least one; ascending; only the last is open-ended. */
  readonly tiers: readonly Tier[]
}

/** What a provider charges us for a route: its own list price, in its own currency, with where and when it was read. */
export interface CostRow {
  readonly from: Date
  readonly window: string | undefined
  readonly currency: 'USD' | 'CNY'
  readonly tiers: readonly Tier[]
  readonly source: Source
}

/** Where a figure came from. */
export interface Source {
  readonly url: string
  /** ISO date on which it was read or, for a stored copy, the date of the copy. */
  readonly read: string
  readonly note: string | undefined
}

/** A way to serve a model: a provider, and what the provider calls it. */
export interface Route {
  /** `<provider>/<upstream model>`, unique within the model. */
  readonly id: string
  readonly provider: string
  readonly upstreamModel: string
  /** Fields set in every request that goes this way, e.g. `thinking: {type: disabled}`. */
  readonly parameters: Readonly<Record<string, unknown>>
  readonly costs: readonly CostRow[]
}

export interface Alias {
  readonly id: string
  /** Set when the same id means another model elsewhere, or meant one before; shown on the page and in an answer header. */
  readonly note: string | undefined
}

/** Something that happened to a model, newest first, for its page. */
export interface HistoryEntry {
  readonly date: string
  readonly text: string
  readonly source: Source | undefined
}

export type Modality = 'text' | 'image' | 'audio' | 'video'
export type Capability = 'tools' | 'json_object' | 'json_schema'

/** A public catalog entry: one YAML file, whose name is the id. */
export interface Model {
  readonly id: string
  readonly family: FamilyId
  readonly name: string
  /** One or two plain sentences, ours. */
  readonly summary: string
  readonly sold: boolean
  /** ISO date of the last significant change of this entry; the sitemap's `lastmod`. */
  readonly updated: string
  readonly released: string | undefined
  /** Tokens. */
  readonly context: number
  /** Tokens: the most the model can answer. */
  readonly maxOutput: number
  /** Tokens: the limit sent upstream where the caller of a plain answer names none. */
  readonly defaultOutput: number
  readonly input: readonly Modality[]
  readonly output: readonly Modality[]
  readonly thinking: 'none' | 'optional' | 'always'
  /** Whether it thinks where a request says nothing of it, by every route alike; of `optional` models the file says so. */
  readonly thinksUnasked: boolean
  readonly capabilities: readonly Capability[]
  readonly aliases: readonly Alias[]
  /** Newest `from` first. */
  readonly prices: readonly PriceRow[]
  /** In order of preference. */
  readonly routes: readonly Route[]
  /** Set where it is to be taken out of sale: from when on, and which model to take then. */
  readonly deprecation: { readonly date: string; readonly successor: string } | undefined
  readonly history: readonly HistoryEntry[]
  /** Where context, limits and modalities were read. */
  readonly sources: readonly Source[]
}

/** A company whose API we call. */
export interface Provider {
  readonly id: string
  readonly name: string
  /** Where the endpoint stands: `international` or `china`. */
  readonly region: 'international' | 'china'
  /** Prefix of its two variables: `DEEPSEEK` → `DEEPSEEK_API_KEY`, `DEEPSEEK_BASE_URL`. */
  readonly env: string
  /** Up to and without `/chat/completions`. */
  readonly baseUrl: string
  readonly pricingUrl: string
}

/** A recurring set of hours with its own price, in the zone of the company that sets it. */
export interface Window {
  readonly id: string
  readonly name: string
  /** IANA zone. China has no daylight saving, but nothing here relies on that. */
  readonly zone: string
  /** ISO weekdays, 1 = Monday. */
  readonly weekdays: readonly number[]
  /** `[from, until)` as minutes of the local day, ascending, disjoint. */
  readonly hours: readonly { readonly from: number; readonly until: number }[]
  /** ISO local dates on which the window does not apply. */
  readonly except: readonly string[]
  readonly source: Source
}

/** The loaded catalog, checked whole. */
export interface Catalog {
  readonly models: readonly Model[]
  readonly providers: ReadonlyMap<string, Provider>
  readonly windows: ReadonlyMap<string, Window>
  /** Nano-USD per yuan, for margins and booked costs; dated and sourced. */
  readonly yuan: { readonly nanoUsd: bigint; readonly source: Source }
  /** SHA-256 over all files, hex: printed on pages and in `/v1/models`. */
  readonly digest: string
}
