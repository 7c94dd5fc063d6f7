import { createClient, DatabaseError, type Client } from '@smartoken/prisma/database'
import { runBatch, type Batch, type BatchAnswers } from '@smartoken/prisma/ledger'

/** A batch takes some 10 ms. One unanswered for so long is on a connection that is dropped, and is replayed on another. */
const DEADLINE_MS = 1_000
const STATEMENT_TIMEOUT_MS = 2_000

/** No answer in time: whether the batch took effect is not known. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer'
}

/** One connection that runs one batch at a time. Opened at need, dropped when it does not answer. */
export class LedgerConnection {
  readonly #url: string
  readonly #lockTimeoutMs: number | undefined
  #client: Promise<Client> | undefined

  /** With `lockTimeoutMs`, waiting for a locked wallet is an error (55P03) after so long. */
  constructor(url: string, lockTimeoutMs?: number) {
    this.#url = url
    this.#lockTimeoutMs = lockTimeoutMs
  }

  /** @throws NoAnswer, or PostgreSQL's error. The connection is good for the next batch only after the latter. */
  async run(batch: Batch, wait: boolean): Promise<BatchAnswers> {
    const deadline = Promise.withResolvers<never>()
    const timer = setTimeout(
      () => deadline.reject(new NoAnswer(`no answer within ${DEADLINE_MS} ms`)),
      DEADLINE_MS,
    )
    try {
      this.#client ??= this.#connect()
      const client = await Promise.race([this.#client, deadline.promise])
      return await Promise.race([runBatch(client, batch, { wait }), deadline.promise])
    } finally {
      clearTimeout(timer)
    }
  }

  /** Lets go of a connection, whatever it is doing: the next batch opens another. */
  drop(): void {
    const client = this.#client
    this.#client = undefined
    // With a query under way, `end` destroys the socket.
    void client?.then(
      (open) => open.end(),
      () => {},
    )
  }

  async #connect(): Promise<Client> {
    const client = createClient(this.#url, {
      applicationName: 'smartoken-ledger',
      statementTimeoutMs: STATEMENT_TIMEOUT_MS,
    })
    await client.connect()
    if (this.#lockTimeoutMs !== undefined)
      await client.query(`set lock_timeout = ${this.#lockTimeoutMs}`)
    return client
  }
}

/** Whether a wallet stayed locked for too long (lock_not_available). */
export const isLockTimeout = (error: unknown): boolean =>
  error instanceof DatabaseError && error.code === '55P03'

/**
 * Whether a batch raised for one of its rows: bad data, a broken constraint, a check of ours, an error inside PostgreSQL
 * (classes 22, 23, P0, XX of https://www.postgresql.org/docs/current/errcodes-appendix.html). Any other error, and no
 * answer at all, is the database's affair: the same batch may succeed later.
 */
export const isOfRow = (error: unknown): boolean =>
  error instanceof DatabaseError && /^(22|23|P0|XX)/.test(error.code ?? '')
