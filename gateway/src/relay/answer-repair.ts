import type { Dialect } from '../providers/dialect.ts'
import { dialectOf } from '../providers/dialect-of.ts'
import { unfinished } from '../steps/upstream-error.ts'
import type { UpstreamError } from '../upstreams/fault.ts'
import type { Chunk, Said } from './chunk.ts'
import { isUnfinished, knownFinishReason } from './finish-reason.ts'
import { ThinkSplitter, type SplitText } from './think-splitter.ts'
import { ToolCallRepair } from './tool-call-repair.ts'

export interface Answered {
  readonly provider: string
  /** The public id of the model that was asked. */
  readonly model: string
}

type Choice = NonNullable<Chunk['choices']>[number]

/**
 * Makes one answer what OpenAI's clients expect where its provider's differs, and leaves it alone where it does not: what is
 * returned is what was given unless something was wrong with it.
 */
export class AnswerRepair {
  readonly #provider: string
  readonly #model: string
  readonly #dialect: Dialect
  readonly #tools = new ToolCallRepair()
  readonly #thoughts: ThinkSplitter | undefined
  #renames = false
  /** Set where the answer ends unfinished. */
  error: UpstreamError | undefined
  /** A finish reason that nobody knows. */
  oddFinish: string | undefined

  constructor({ provider, model }: Answered) {
    this.#provider = provider
    this.#model = model
    this.#dialect = dialectOf(provider)
    this.#thoughts = this.#dialect.thinkTags ? new ThinkSplitter() : undefined
  }

  /** Whether every event has to be read, also one that only carries text. */
  get readsText(): boolean {
    return this.#renames || (this.#thoughts !== undefined && !this.#thoughts.done)
  }

  /** How an answer that does not say so has ended. */
  get impliedFinish(): 'stop' | 'tool_calls' {
    return this.#tools.any ? 'tool_calls' : 'stop'
  }

  /** An event of a stream; undefined where nothing of it is left for now. */
  chunk(given: Chunk): Chunk | undefined {
    const chunk = this.named(given)
    const choices = chunk.choices?.map((choice) => this.#choice(choice))
    if (!choices || choices.every((choice, at) => choice === chunk.choices?.[at])) return chunk
    return choices.every(isSilent) && !chunk.usage ? undefined : { ...chunk, choices }
  }

  /** A plain answer's choice. */
  whole<
    Whole extends { message?: Said | null | undefined; finish_reason?: string | null | undefined },
  >(choice: Whole): Whole {
    const message = choice.message && this.#said(choice.message, true)
    const calls = message?.['tool_calls']
    const sound = Array.isArray(calls) ? this.#tools.whole(calls) : calls
    const mended = message && sound !== calls ? { ...message, tool_calls: sound } : message
    const finish_reason = this.#finish(choice.finish_reason)
    return mended === choice.message && finish_reason === choice.finish_reason
      ? choice
      : { ...choice, message: mended, finish_reason }
  }

  /** The answer under a name its caller may see. */
  named<Given extends Readonly<Record<string, unknown>>>(given: Given): Given {
    const { model } = given
    if (typeof model !== 'string' || !this.#dialect.privateModel?.test(model)) return given
    this.#renames = true
    return { ...given, model: this.#model }
  }

  #choice(choice: Choice): Choice {
    const ends = Boolean(choice.finish_reason)
    const delta = choice.delta || ends ? this.#said(choice.delta ?? {}, ends) : choice.delta
    const calls = delta?.['tool_calls']
    const sound = Array.isArray(calls) && calls.length > 0 ? this.#tools.fragments(calls) : calls
    const mended = sound === calls ? delta : withCalls(delta!, sound as readonly unknown[])
    const finish_reason = this.#finish(choice.finish_reason)
    const isSound =
      (mended === choice.delta || (!choice.delta && isEmpty(mended))) &&
      finish_reason === choice.finish_reason
    return isSound ? choice : { ...choice, delta: mended, finish_reason }
  }

  /** Text and reasoning, each in its own member. */
  #said(said: Said, ends: boolean): Said {
    const named = withReasoningNamed(said)
    if (!this.#thoughts || this.#thoughts.done) return named
    const { content } = named
    const split = this.#thoughts.push(typeof content === 'string' ? content : '')
    const rest = ends ? this.#thoughts.end() : NOTHING
    const reasoning = split.reasoning + rest.reasoning
    const text = split.content + rest.content
    if (reasoning === '' && text === (content ?? '')) return named
    return {
      ...named,
      content: text === '' && reasoning !== '' ? null : text,
      ...(reasoning !== '' && { reasoning_content: reasoning }),
    }
  }

  #finish<Reason extends string | null | undefined>(reason: Reason): Reason | string | null {
    if (reason === undefined || reason === null) return reason
    if (reason === '') return null
    if (isUnfinished(reason)) {
      this.error = unfinished(this.#provider, reason)
      return reason
    }
    const known = knownFinishReason(reason, this.#tools.any)
    if (known === undefined) this.oddFinish = reason
    return known ?? this.impliedFinish
  }
}

const NOTHING: SplitText = { reasoning: '', content: '' }

/** StepFun's name for reasoning, and that of most hosts of open models. */
function withReasoningNamed(said: Said): Said {
  if (typeof said['reasoning'] !== 'string') return said
  const { reasoning, ...rest } = said
  return rest['reasoning_content'] ? rest : { ...rest, reasoning_content: reasoning }
}

function withCalls(delta: Said, calls: readonly unknown[]): Said {
  const { tool_calls: _calls, ...rest } = delta
  return calls.length > 0 ? { ...rest, tool_calls: calls } : rest
}

const isEmpty = (delta: Said | null | undefined): boolean =>
  !delta || Object.values(delta).every((value) => value === '' || value === null)

/** Whether it says nothing: neither a word nor a role nor an end. */
const isSilent = ({ delta, finish_reason }: Choice): boolean => isEmpty(delta) && !finish_reason
