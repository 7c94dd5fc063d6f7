import type { Usage } from '../catalog/usage.ts'
import type { FamilyId } from '../catalog/model.ts'

/** Tokens in a kilobyte (1,000 bytes) of text, by family. */
type TokensPerKilobyte = Readonly<Record<FamilyId, number>>

/**
 * The published figures, by version. A version never changes once a request was billed by it: a receipt names it and
 * is worked out anew from it. New figures are a new version.
 *
 * Each is below what its family's tokenizer makes of one in twenty passages of 2 kB of the kind of text it makes fewest
 * tokens of (plain English prose; Chinese, code and JSON have more), so a count is in the customer's favour.
 * Measured on 2026-11-25: DeepSeek V3 185, Qwen3 180. A family whose tokenizer was not to be had has a sixth less than those.
 */
const versions: Readonly<Record<number, TokensPerKilobyte>> = {
  1: { deepseek: 180, qwen: 175, kimi: 150, glm: 150, doubao: 150, minimax: 150 },
}

/** What new requests are counted by. */
export const COUNTED_VERSION = 1

/** Every version that was ever published, oldest first. */
export const countedVersions: readonly number[] = Object.keys(versions).map(Number)

/** What is known of a request whose usage has to be counted. */
export interface Delivered {
  readonly family: FamilyId
  /** Bytes of the prompt's text. */
  readonly promptBytes: number
  /** Text bytes of the answer that reached the caller. */
  readonly answerBytes: number
  /** The limit sent upstream, tokens: a count is never above it. */
  readonly limit: number
}

/**
 * The published figure of a version and family.
 *
 * @throws RangeError where there is no such version
 */
export function tokensPerKilobyte(version: number, family: FamilyId): number {
  const figure = versions[version]?.[family]
  if (figure === undefined) throw new RangeError(`there is no version ${version} of counted usage`)
  return figure
}

/**
 * Usage counted from bytes, where the provider's own is not to be had: the prompt as uncached input, the answer as
 * plain output, whole tokens rounded down.
 *
 * @throws RangeError on bytes or a limit that are no whole numbers from 0 on, or an unknown version
 */
export function countUsage(delivered: Delivered, version = COUNTED_VERSION): Usage {
  const perKilobyte = tokensPerKilobyte(version, delivered.family)
  const output = tokensIn(delivered.answerBytes, perKilobyte)
  return {
    input: tokensIn(delivered.promptBytes, perKilobyte),
    cachedInput: 0,
    cacheWrite: 0,
    output: Math.min(output, Number(whole(delivered.limit))),
    thinkingOutput: 0,
  }
}

const tokensIn = (bytes: number, perKilobyte: number): number =>
  Number((whole(bytes) * BigInt(perKilobyte)) / 1_000n)

function whole(count: number): bigint {
  if (!Number.isSafeInteger(count) || count < 0) {
    throw new RangeError(`${count} is not a count of bytes or tokens`)
  }
  return BigInt(count)
}
