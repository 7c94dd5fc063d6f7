/**
 * A stream's money is held for so many tokens of its answer at a time: 4,096, or 15 seconds at the model's rate if that
 * is more. No provider publishes a rate; this one is above what any of the models sold has been seen to answer at, so it
 * is 4,096 for all of them.
 */
const MOST_TOKENS_PER_SECOND = 200
export const SLICE_TOKENS = Math.max(4_096, 15 * MOST_TOKENS_PER_SECOND)

/**
 * Tokens in a kilobyte (1,000 bytes) of an answer at most, for telling how much of a hold is used. No passage of 2 kB of
 * prose, Chinese, code, markup or JSON measured with the tokenizers of DeepSeek V3 and Qwen3 on 2026-11-25 had more than
 * 493. Runs of digits (Qwen: 1,000), hexadecimal, base64 and rare characters have; what such a stream is billed beyond
 * its hold is taken from what the wallet has free, and the rest is the house's.
 */
const MOST_TOKENS_PER_KILOBYTE = 500
/** Tokens of an answer that are no text of it: around roles, thinking and tool calls. */
const MARKER_TOKENS = 100

/** How many tokens an answer of so many bytes can be billed for. */
export const mostTokensIn = (bytes: number): number =>
  MARKER_TOKENS + Math.ceil((bytes * MOST_TOKENS_PER_KILOBYTE) / 1_000)

/** The fewest bytes whose {@link mostTokensIn} is at least so many tokens. */
export const bytesWith = (tokens: number): number =>
  Math.max(Math.floor(((tokens - MARKER_TOKENS - 1) * 1_000) / MOST_TOKENS_PER_KILOBYTE) + 1, 0)
