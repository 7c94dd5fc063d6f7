import type { ServerResponse } from 'node:http'
import type { Services } from '../open-services.ts'
import type { OpenRoute } from '../steps/choose-routes.ts'

/**
 * How long an upstream is waited for. A stream's until its client leaves; a plain answer's, whose provider bills it
 * whether or not it is read, for as long as a drain may take. Nothing is, once the process has to stop.
 */
export class Patience {
  readonly #services: Services
  readonly #out: ServerResponse
  readonly #plain: boolean
  readonly #letGo = new AbortController()
  readonly #deafen: () => void
  #billsOn = false
  #endDrain: (() => void) | undefined
  #left = false

  constructor(services: Services, out: ServerResponse, kind: 'plain' | 'stream') {
    this.#services = services
    this.#out = out
    this.#plain = kind === 'plain'
    this.#deafen = services.stopping.hear(this.#lose)
    out.once('close', this.#close)
    if (out.destroyed) this.#close()
  }

  /** Whether the client went before its answer was finished. */
  get left(): boolean {
    return this.#left
  }

  /** Whether the upstream was let go of, so that its failure is ours. */
  get lost(): boolean {
    return this.#letGo.signal.aborted
  }

  /** Aborted when the upstream is to be let go of. */
  get signal(): AbortSignal {
    return this.#letGo.signal
  }

  /** Says which way the request takes now. */
  trying({ upstream }: OpenRoute): AbortSignal {
    this.#billsOn = this.#plain && upstream.billsOnCancel.plain !== 'stops'
    return this.signal
  }

  /** The answer has come or will not: nothing is waited for any more. */
  end(): void {
    this.#deafen()
    this.#endDrain?.()
    this.#out.off('close', this.#close)
  }

  readonly #close = (): void => {
    if (this.#out.writableFinished) return
    this.#left = true
    if (this.#billsOn) this.#endDrain = this.#services.drains.begin(this.#lose)
    if (!this.#endDrain) this.#lose()
  }

  readonly #lose = (): void => this.#letGo.abort()
}
