/** One value for each label, in order. */
export type ValuesOf<Labels extends readonly string[]> = {
  readonly [Index in keyof Labels]: string
}

type Branch<Leaf> = Map<string, Branch<Leaf> | Leaf>

/**
 * Things by label values, made when first asked for. A look-up for each label costs a fraction of the one text of all
 * labels that prom-client makes each time.
 */
export class Series<Labels extends readonly string[], Leaf extends object> {
  readonly #labels: Labels
  readonly #make: () => Leaf
  readonly #root: Branch<Leaf> = new Map()
  readonly #all: (readonly [labels: Record<string, string>, leaf: Leaf])[] = []

  constructor(labels: Labels, make: () => Leaf) {
    this.#labels = labels
    this.#make = make
  }

  at(...values: ValuesOf<Labels>): Leaf {
    let found: Branch<Leaf> | Leaf | undefined = this.#root
    for (const value of values) found = (found as Branch<Leaf> | undefined)?.get(value)
    return (found as Leaf | undefined) ?? this.#add(values)
  }

  /** Every one there is, with its labels. */
  all(): readonly (readonly [labels: Record<string, string>, leaf: Leaf])[] {
    return this.#all
  }

  #add(values: ValuesOf<Labels>): Leaf {
    const leaf = this.#make()
    let branch = this.#root
    for (const value of values.slice(0, -1)) {
      const next = (branch.get(value) as Branch<Leaf> | undefined) ?? new Map<string, Leaf>()
      branch.set(value, next)
      branch = next
    }
    branch.set(values.at(-1)!, leaf)
    this.#all.push([
      Object.fromEntries(this.#labels.map((label, index) => [label, values[index]!])),
      leaf,
    ])
    return leaf
  }
}

/** A number that only grows. */
export class Tally {
  value = 0

  add(more: number): void {
    this.value += more
  }
}

/** So many values wait at most. */
const MOST_SAMPLES = 256

/** Values on their way into a histogram: one after the other they cost less. */
export class Samples {
  readonly #full: () => void
  #values: number[] = []

  constructor(full: () => void) {
    this.#full = full
  }

  observe(value: number): void {
    this.#values.push(value)
    if (this.#values.length === MOST_SAMPLES) this.#full()
  }

  /** Gives them away. */
  take(): readonly number[] {
    const values = this.#values
    this.#values = []
    return values
  }
}
