/** A request that would have had to wait too long, refused at once or, where the upstream turned slow, a little later. */
export class LoadShed extends Error {
  override readonly name = 'LoadShed'
  /** When to try again, ms. */
  readonly retryAfterMs: number

  constructor(retryAfterMs: number) {
    super(`no slot will be free soon; retry after ${retryAfterMs} ms`)
    this.retryAfterMs = retryAfterMs
  }
}
