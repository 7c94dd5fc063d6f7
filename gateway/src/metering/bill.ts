import type { Usage } from '@smartoken/prisma/catalog'
import { countUsage } from './counted.ts'
import { isPlausible } from './read-usage.ts'

/** How a request can end. One word each, stored with the request. */
export type Outcome =
  | 'completed'
  | 'client_left'
  | 'client_left_before_output'
  | 'upstream_error'
  | 'upstream_broke'

export interface Ending {
  readonly outcome: Outcome
  /** As reported by the provider, if it was. */
  readonly reported: Usage | undefined
  readonly promptBytes: number
  /** Text bytes of the answer that reached the client. */
  readonly answerBytes: number
  /** Bounds of a believable report, tokens. */
  readonly most: { readonly prompt: number; readonly output: number }
}

export interface Bill {
  readonly usage: Usage
  readonly source: 'provider' | 'counted' | 'none'
}

/** Nothing of use was delivered, through no doing of the client's. */
const FREE: ReadonlySet<Outcome> = new Set(['upstream_error', 'upstream_broke'])

const NOTHING: Usage = { input: 0, cachedInput: 0, cacheWrite: 0, output: 0, thinkingOutput: 0 }

/**
 * What is billed, by outcome: nothing where the upstream failed, whatever it had reported by then; else
 * the usage the provider reported if it is plausible, or what was delivered, counted.
 */
export function bill(ending: Ending): Bill {
  if (FREE.has(ending.outcome)) return { usage: NOTHING, source: 'none' }
  if (ending.reported && isPlausible(ending.reported, ending.most)) {
    return { usage: ending.reported, source: 'provider' }
  }
  const delivered = ending.outcome === 'client_left_before_output' ? 0 : ending.answerBytes
  return { usage: countUsage(ending.promptBytes, delivered), source: 'counted' }
}
