import { median } from './statistics.ts'

/** Values measured under a name, round after round. */
export class Samples {
  readonly #values = new Map<string, number[]>()

  /** Keeps a value, and shows it: a bench takes minutes. */
  add(name: string, value: number): void {
    this.#values.set(name, [...(this.#values.get(name) ?? []), value])
    process.stderr.write(`  ${name}: ${value.toFixed(1)}\n`)
  }

  /** The median of what was measured under a name. */
  of(name: string): number {
    const values = this.#values.get(name)
    if (!values) throw new Error(`nothing was measured as "${name}"`)
    return median(values)
  }
}
