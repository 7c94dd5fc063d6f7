import { promptTokens, type Usage } from '../catalog/usage.ts'

/** Bounds of a request's billable tokens, as worked out at its admission. */
export interface Bounds {
  /** The prompt's bytes and the maxima of its media. */
  readonly prompt: number
  /** What the limit sent upstream, itself at most the model's maximum, lets the answer be. */
  readonly output: number
}

/**
 * Whether a provider's report can be true: whole counts from 0 on, no more prompt than was sent, no more answer than
 * was allowed. What is not plausible is replaced by a count of our own, never trimmed to fit.
 */
export const isPlausible = (usage: Usage, most: Bounds): boolean =>
  Object.values(usage).every(isCount) &&
  promptTokens(usage) <= most.prompt &&
  usage.output + usage.thinkingOutput <= most.output

const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0
