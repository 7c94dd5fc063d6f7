import { ark } from './ark.ts'
import { dashscope } from './dashscope.ts'
import { deepseek } from './deepseek.ts'
import { OPENAI, type Dialect } from './dialect.ts'
import { mimo } from './mimo.ts'
import { minimax } from './minimax.ts'
import { moonshot } from './moonshot.ts'
import { qianfan } from './qianfan.ts'
import { stepfun } from './stepfun.ts'
import { tencent } from './tencent.ts'
import { zai } from './zai.ts'

/** By the provider's id in the catalog. */
const dialects: Readonly<Record<string, Dialect>> = {
  deepseek,
  dashscope,
  'dashscope-cn': dashscope,
  moonshot,
  zai,
  bigmodel: zai,
  ark,
  minimax,
  tencent,
  qianfan,
  stepfun,
  mimo,
}

/** The dialect of a provider; OpenAI's own where nothing else is known. */
export const dialectOf = (provider: string): Dialect => dialects[provider] ?? OPENAI

/**
 * Fields that are refused, whichever provider would answer: a request may go to another route than the first, and
 * a field that is dropped at one would be believed to work.
 */
export const REFUSED_FIELDS: readonly string[] = [
  ...new Set(
    Object.values(dialects).flatMap(({ billed }) =>
      Object.entries(billed).flatMap(([field, dealing]) => (dealing === 'refused' ? [field] : [])),
    ),
  ),
].toSorted()
