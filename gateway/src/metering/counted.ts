import type { Usage } from '@smartoken/prisma/catalog'

/**
 * Tokens counted from bytes, where no usage arrived. The figures are low percentiles, so that a
 * counted bill is in the customer's favour: English runs near 230 tokens a kB, Chinese near 200.
 * A new figure is a new version; the request row's `usage_source` says that it was counted.
 */
export const countedParameters = { version: 1, tokensPerKilobyte: 150 } as const

/** Usage of a request from its prompt's bytes (as uncached input) and the answer's delivered text bytes. */
export const countUsage = (promptBytes: number, answerBytes: number): Usage => ({
  input: tokensIn(promptBytes),
  cachedInput: 0,
  cacheWrite: 0,
  output: tokensIn(answerBytes),
  thinkingOutput: 0,
})

const tokensIn = (bytes: number): number =>
  Math.floor((bytes * countedParameters.tokensPerKilobyte) / 1_000)
