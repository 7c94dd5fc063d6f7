/** Numbers that follow from a seed: the same one makes the same decisions. */
export interface Random {
  /** A whole number from `least` to `most`, both included. */
  between(least: number, most: number): number
  /** True in so many of a thousand. */
  perMille(chance: number): boolean
  pick<T>(from: readonly T[]): T
  /** One of the names, each as often as its weight says. */
  weighted<Name extends string>(weights: Readonly<Record<Name, number>>): Name
  shuffle<T>(items: readonly T[]): T[]
  /** Numbers of their own, that do not depend on how many were drawn here. */
  fork(name: string | number): Random
}

/** Numbers from a seed. */
export function randomOf(seed: string): Random {
  let state = hash(seed)
  /** mulberry32: 32 bits of state are plenty for decisions (https://gist.github.com/tommyettinger/46a874533244883189143505d203312c). */
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return (mixed ^ (mixed >>> 14)) >>> 0
  }
  const between = (least: number, most: number): number => least + (next() % (most - least + 1))
  const pick = <T>(from: readonly T[]): T => from[between(0, from.length - 1)]!
  return {
    between,
    pick,
    perMille: (chance) => between(0, 999) < chance,
    weighted<Name extends string>(weights: Readonly<Record<Name, number>>): Name {
      const entries = Object.entries(weights) as [Name, number][]
      let left = between(
        1,
        entries.reduce((sum, [, weight]) => sum + weight, 0),
      )
      return entries.find(([, weight]) => (left -= weight) <= 0)![0]
    },
    shuffle: (items) =>
      items
        .map((item) => ({ item, order: next() }))
        .toSorted((one, other) => one.order - other.order)
        .map(({ item }) => item),
    fork: (name) => randomOf(`${seed}/${name}`),
  }
}

/** FNV-1a. */
function hash(text: string): number {
  let state = 0x811c9dc5
  for (const byte of Buffer.from(text)) state = Math.imul(state ^ byte, 0x01000193)
  return state >>> 0
}
