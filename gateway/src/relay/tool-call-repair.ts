import { randomUUID } from 'node:crypto'

/** A tool call, or a fragment of one, as loosely as a provider may send it. */
type Call = Readonly<Record<string, unknown>>

interface Known {
  id: string | undefined
  name: string | undefined
  /** Arguments that came before the name. */
  early: string
  sent: boolean
}

/**
 * Tool calls as OpenAI's clients take them: an integer index, id and name in the first fragment and only there. Providers
 * send empty ids and names later on, which clients take for new ones; none at all; or one index for all calls.
 */
export class ToolCallRepair {
  readonly #calls: Known[] = []
  /** Where a provider's index is among ours. */
  readonly #places = new Map<number, number>()
  #last = -1

  /** Whether any call has been made. */
  get any(): boolean {
    return this.#calls.some(({ sent }) => sent)
  }

  /** The fragments of one event; the same array where nothing was wrong with them. */
  fragments(fragments: readonly unknown[]): readonly unknown[] {
    return repaired(fragments, (fragment) => this.#fragment(fragment))
  }

  /** The calls of a whole message; the same array where nothing was wrong with them. */
  whole(calls: readonly unknown[]): readonly unknown[] {
    return repaired(calls, (call) => {
      const known: Known = { id: undefined, name: undefined, early: '', sent: false }
      this.#calls.push(known)
      return first(call, known, undefined)
    })
  }

  #fragment(fragment: Call): Call | undefined {
    const place = this.#placeOf(fragment)
    this.#last = place
    const known = this.#calls[place]!
    if (known.sent) return later(fragment, place)
    return first(fragment, known, place)
  }

  #placeOf(fragment: Call): number {
    const index = indexOf(fragment)
    const id = wordIn(fragment['id'])
    const place = index === undefined ? this.#placeWithout(id, fragment) : this.#places.get(index)
    const known = place === undefined ? undefined : this.#calls[place]
    if (known && (!id || !known.id || known.id === id)) return place!
    const named = id === undefined ? -1 : this.#calls.findIndex((call) => call.id === id)
    const found = named === -1 ? this.#begin() : named
    this.#places.set(index ?? found, found)
    return found
  }

  #placeWithout(id: string | undefined, fragment: Call): number | undefined {
    if (id) return this.#calls.findIndex((call) => call.id === id)
    const name = nameIn(fragment)
    const last = this.#calls[this.#last]
    return name && last?.name && name !== last.name ? undefined : this.#last
  }

  #begin(): number {
    return this.#calls.push({ id: undefined, name: undefined, early: '', sent: false }) - 1
  }
}

/** A first fragment, or a whole call: with everything. Kept back while it has no name. */
function first(call: Call, known: Known, place: number | undefined): Call | undefined {
  known.id ??= wordIn(call['id'])
  known.name ??= nameIn(call)
  const given = functionIn(call)
  const said = argumentsIn(given)
  if (known.name === undefined) {
    known.early += said
    return undefined
  }
  const text = known.early + said
  known.sent = true
  const isSound = given['name'] === known.name && given['arguments'] === text
  if (isSound && hasHead(call, known, place)) return call
  known.id ??= `call_${randomUUID().replaceAll('-', '').slice(0, 24)}`
  return {
    ...call,
    ...(place !== undefined && { index: place }),
    id: known.id,
    type: 'function',
    function: { ...given, name: known.name, arguments: text },
  }
}

const hasHead = (call: Call, { id }: Known, place: number | undefined): boolean =>
  (place === undefined || call['index'] === place) &&
  id !== undefined &&
  call['id'] === id &&
  call['type'] === 'function'

/** A further fragment: arguments only. Left out where it has none and should not have come. */
function later(call: Call, place: number): Call | undefined {
  const given = functionIn(call)
  const isSound =
    call['index'] === place &&
    !('id' in call) &&
    !('name' in given) &&
    typeof given['arguments'] === 'string'
  if (isSound) return call
  const text = argumentsIn(given)
  if (text === '') return undefined
  const { id: _id, function: _function, ...rest } = call
  const { name: _name, ...more } = given
  return { ...rest, index: place, function: { ...more, arguments: text } }
}

function repaired(
  calls: readonly unknown[],
  repair: (call: Call) => Call | undefined,
): readonly unknown[] {
  const sound = calls
    .map((call) => (isCall(call) ? repair(call) : call))
    .filter((call) => call !== undefined)
  return sound.length === calls.length && sound.every((call, at) => call === calls[at])
    ? calls
    : sound
}

const isCall = (value: unknown): value is Call =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const MOST_CALLS = 4_096

function indexOf({ index }: Call): number | undefined {
  const number = typeof index === 'string' && /^\d+$/.test(index) ? Number(index) : index
  return Number.isInteger(number) && (number as number) >= 0 && (number as number) < MOST_CALLS
    ? (number as number)
    : undefined
}

const functionIn = ({ function: given }: Call): Call =>
  typeof given === 'object' && given !== null ? (given as Call) : {}

const nameIn = (call: Call): string | undefined => wordIn(functionIn(call)['name'])

const wordIn = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined

function argumentsIn({ arguments: given }: Call): string {
  if (typeof given === 'string') return given
  return typeof given === 'object' && given !== null ? JSON.stringify(given) : ''
}
