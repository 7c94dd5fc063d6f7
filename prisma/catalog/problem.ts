/** One thing wrong with one file, for the person who edits it. */
export interface Problem {
  /** Relative to the catalog's folder. */
  readonly file: string
  /** `prices[0].tiers[1].output`; `undefined` where the whole file is meant. */
  readonly field: string | undefined
  readonly reason: string
}

/** The catalog's files cannot be used. The message lists every problem, one a line. */
export class CatalogError extends Error {
  override readonly name = 'CatalogError'
  readonly problems: readonly Problem[]

  constructor(problems: readonly Problem[]) {
    const count = problems.length === 1 ? 'a problem' : `${problems.length} problems`
    super([`The model catalog has ${count}:`, ...problems.map(line)].join('\n'))
    this.problems = problems
  }
}

function line({ file, field, reason }: Problem): string {
  return `${field === undefined ? file : `${file}: ${field}`}: ${reason}`
}
