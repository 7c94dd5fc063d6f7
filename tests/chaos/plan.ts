import type { Random } from './random.ts'

/** How an upstream's answer goes. */
export type Course =
  | 'whole'
  /** An error before anything else. */
  | 'refuses'
  /** Cuts the connection in the middle. */
  | 'breaks'
  | 'omits usage'
  | 'implausible usage'

/** How a client behaves. */
export type Manner = 'stays' | 'leaves' | 'leaves early' | 'reads slowly'

/** One request, everything about it decided beforehand: what the client does and what the upstream does. */
export interface Plan {
  readonly id: number
  /** Index of the account. */
  readonly account: number
  readonly model: string
  readonly stream: boolean
  readonly prompt: string
  readonly maxTokens: number
  readonly manner: Manner
  /** Where a client leaves: after so many text bytes, or ms if it leaves early. */
  readonly leavesAt: number
  readonly course: Course
  /** Tokens the upstream answers, if the limit allows. */
  readonly tokens: number
  /** Tokens after which it breaks off. */
  readonly breaksAt: number
  readonly tokensPerChunk: number
  readonly firstMs: number
  readonly pauseMs: number
  /** Prompt tokens it had in its cache. */
  readonly cached: number
  /** Bytes of a token's text: latin letters or a Chinese character. */
  readonly letters: 'abcd' | '好'
  /** Whether its events arrive cut into odd pieces. */
  readonly torn: boolean
}

/** Different in price, in the provider's dialect and in what becomes of an answer whose client has left. */
export const MODELS = ['deepseek-chat', 'glm-5.2', 'qwen-plus', 'minimax-m3', 'kimi-k3'] as const

/** Draws request number `id`. An unlucky account's upstream breaks off so often that excuses run out. */
export function drawPlan(
  random: Random,
  id: number,
  { accounts, longest }: { accounts: readonly { unlucky: boolean }[]; longest: number },
): Plan {
  const account = random.between(0, accounts.length - 1)
  const { unlucky } = accounts[account]!
  const stream = random.perMille(unlucky ? 1_000 : 750)
  const tokens = stream ? drawStreamTokens(random, longest) : random.between(20, 2_000)
  const letters = random.pick(['abcd', 'abcd', '好'] as const)
  const prompt = `chaos ${id} ${'word '.repeat(random.between(1, random.perMille(100) ? 4_000 : 100))}`
  return {
    id,
    account,
    stream,
    tokens,
    letters,
    prompt,
    model: unlucky ? 'kimi-k3' : random.pick(MODELS),
    // Some are cut off by their own limit.
    maxTokens: random.perMille(100) ? Math.ceil(tokens / 2) : tokens + random.between(0, 2_000),
    manner: random.weighted({
      stays: 850,
      leaves: stream ? 80 : 0,
      'leaves early': 30,
      'reads slowly': stream ? 40 : 0,
    }),
    leavesAt: random.between(1, tokens * Buffer.byteLength(letters)),
    course: drawCourse(random, unlucky),
    breaksAt: random.between(1, tokens),
    tokensPerChunk: random.between(100, 1_200),
    firstMs: random.between(0, 150),
    pauseMs: random.pick([2, 5, 5, 5, 10, 20]),
    cached: random.between(0, Math.floor(promptTokensOf(prompt) / 2)),
    torn: random.perMille(200),
  }
}

/** Short ones, and long ones that make most of the money. */
const drawStreamTokens = (random: Random, longest: number): number =>
  random.perMille(300) ? random.between(1, 2_000) : random.between(4_000, longest)

const drawCourse = (random: Random, unlucky: boolean): Course =>
  random.weighted({
    whole: 880,
    refuses: 20,
    breaks: unlucky ? 900 : 30,
    'omits usage': 40,
    'implausible usage': 30,
  })

/** What a prompt really is, tokens: more than a count by bytes makes of it, less than its bytes. */
export const promptTokensOf = (prompt: string): number =>
  Math.ceil(Buffer.byteLength(prompt) * 0.3) + 8
