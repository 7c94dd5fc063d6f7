import type { Model, Route } from '@smartoken/prisma/catalog'
import { THINKING_FIELDS, type Thinking } from './thinking.ts'

/** A member of `messages`, as loosely as a caller may write it. */
export type Message = Readonly<Record<string, unknown>>

export interface Draftable {
  readonly model: Model
  readonly route: Route
  /** The answer's limit, tokens. */
  readonly limit: number
  readonly thinking: Thinking
  readonly fields: Readonly<Record<string, unknown>>
}

/** The body a provider will get, in the making: begins as the caller's, and remembers what was changed. */
export class Draft {
  readonly model: Model
  readonly route: Route
  readonly limit: number
  readonly thinking: Thinking
  readonly #asked: Readonly<Record<string, unknown>>
  readonly #fields: Record<string, unknown>
  readonly #adjusted: string[] = []

  constructor({ model, route, limit, thinking, fields }: Draftable) {
    this.model = model
    this.route = route
    this.limit = limit
    this.thinking = thinking
    this.#asked = fields
    this.#fields = { ...fields }
  }

  /** What was dropped or mapped, in words for a header. */
  get adjusted(): readonly string[] {
    return this.#adjusted
  }

  get(name: string): unknown {
    return this.#fields[name]
  }

  /** Leaves fields out, and says so of those that were asked for. */
  drop(...names: readonly string[]): void {
    for (const name of names) {
      if (isSaid(this.#fields[name])) this.report(`${name} dropped`)
      delete this.#fields[name]
    }
  }

  /** Gives a field another value than was asked for, and says so. */
  map(name: string, value: string | number): void {
    this.#fields[name] = value
    this.report(`${name}=${value}`)
  }

  /** Sets a field in a way that changes nothing of what was asked. */
  set(name: string, value: unknown): void {
    this.#fields[name] = value
  }

  /** Rewrites the messages that need it; those for which the rewriting is undefined are left out. */
  eachMessage(rewrite: (message: Message) => Message | undefined): void {
    const messages = this.#fields['messages'] as readonly Message[]
    const written = messages.map(rewrite)
    if (written.some((message, at) => message !== messages[at])) {
      this.#fields['messages'] = written.filter((message) => message !== undefined)
    }
  }

  report(change: string): void {
    if (!this.#adjusted.includes(change)) this.#adjusted.push(change)
  }

  /**
   * Tells the provider about thinking in its own fields, in place of the caller's. Said of it is what has another value than
   * was asked for, or had to be said by another field.
   */
  setThinking(said: Readonly<Record<string, unknown>>): void {
    const asked = THINKING_FIELDS.filter((name) => isSaid(this.#asked[name]))
    for (const name of THINKING_FIELDS) delete this.#fields[name]
    Object.assign(this.#fields, said)
    if (asked.length === 0) return
    const told = THINKING_FIELDS.filter((name) => isSaid(said[name]))
    if (told.length === 0) {
      for (const name of asked) this.report(`${name} dropped`)
      return
    }
    const isOtherwise = asked.some((name) => name !== 'thinking_budget' && !isSaid(said[name]))
    for (const name of told) {
      const isAsked = asked.includes(name)
      if (isAsked ? textOf(said[name]) !== textOf(this.#asked[name]) : isOtherwise) {
        this.report(`${name}=${textOf(said[name])}`)
      }
    }
    if (this.thinking.budget !== undefined && !isSaid(said['thinking_budget'])) {
      this.report('thinking_budget dropped')
    }
  }

  /** The body, with what the route always sets and what is not for the caller to decide. */
  toBody(decided: Readonly<Record<string, unknown>>): string {
    return JSON.stringify({ ...this.#fields, ...this.route.parameters, ...decided })
  }
}

/** Null is how some clients leave a field out. */
const isSaid = (value: unknown): boolean => value !== undefined && value !== null

/** A value of a thinking field as a header can say it: of an object, its type. */
function textOf(value: unknown): string {
  const said = (value as { type?: unknown } | null)?.type ?? value
  return ['string', 'number', 'boolean'].includes(typeof said) ? String(said) : ''
}
