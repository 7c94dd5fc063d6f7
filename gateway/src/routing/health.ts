import type { Route } from '@smartoken/prisma/catalog'
import { Circuit, HEALTH, type HealthOptions } from './circuit.ts'
import type { Now } from './sliding-count.ts'

/** One key at one route: what is well or not by itself. */
export interface Place {
  readonly route: Pick<Route, 'id'>
  readonly upstream: { readonly id: string }
}

/**
 * What this process has seen of every place. A key that is limited or refused at one model may be good for another, since
 * most providers limit by model and switch models on one by one: so each is judged by itself.
 */
export class Health {
  readonly #options: HealthOptions
  readonly #now: Now
  readonly #circuits = new Map<string, Circuit>()

  constructor(options: Partial<HealthOptions> = {}, now: Now = () => performance.now()) {
    this.#options = { ...HEALTH, ...options }
    this.#now = now
  }

  of({ route, upstream }: Place): Circuit {
    const id = `${upstream.id} ${route.id}`
    const known = this.#circuits.get(id)
    if (known) return known
    const circuit = new Circuit(this.#options, this.#now)
    this.#circuits.set(id, circuit)
    return circuit
  }
}
