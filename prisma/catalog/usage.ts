/** What a request consumed, in tokens. The classes are disjoint; whole numbers from 0 on. */
export interface Usage {
  readonly input: number
  readonly cachedInput: number
  readonly cacheWrite: number
  readonly output: number
  readonly thinkingOutput: number
}

/** The tokens of the whole prompt, which decide the tier. */
export function promptTokens({ input, cachedInput, cacheWrite }: Usage): number {
  return input + cachedInput + cacheWrite
}
