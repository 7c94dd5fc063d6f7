import type {
  HoldAnswer,
  HoldRequest,
  RenewAnswer,
  Renewal,
  SettleAnswer,
  Settlement,
} from '@smartoken/prisma/ledger'
import { BillingUnavailable } from './errors.ts'

/** A hold as a request asks for it; the ledger adds the lease it is opened under. */
export type HoldAsked = Omit<HoldRequest, 'epoch'>

interface Rows {
  readonly open: HoldAsked
  readonly renew: Renewal
  readonly settle: Settlement
}

interface Answers {
  readonly open: HoldAnswer
  readonly renew: RenewAnswer
  readonly settle: SettleAnswer
}

export type Entry = Call<'open'> | Call<'renew'> | Call<'settle'>
export type Answer = Answers[keyof Answers]

/** One call that waits for the ledger. */
export class Call<Name extends keyof Rows> {
  readonly name: Name
  readonly row: Rows[Name]
  readonly answer = Promise.withResolvers<Answers[Name]>()
  /** Whether the database may have seen it: then its outcome has to be learnt, wanted or not. */
  sent = false
  /** Whether its caller was told that billing is unavailable, and waits no more. */
  abandoned = false
  #patience: NodeJS.Timeout | undefined

  constructor(name: Name, row: Rows[Name]) {
    this.name = name
    this.row = row
  }

  /** Whether nobody needs it done any more. A settle always is needed; an opening that was sent may hold money. */
  get moot(): boolean {
    return this.abandoned && (this.name === 'renew' || !this.sent)
  }

  /** Tells its caller after so long that billing is unavailable, and then us. */
  abandonAfter(ms: number, abandoned?: () => void): this {
    this.#patience = setTimeout(() => {
      this.abandoned = true
      this.answer.reject(new BillingUnavailable('the ledger did not answer in time'))
      abandoned?.()
    }, ms)
    return this
  }

  resolve(answer: Answers[Name]): void {
    clearTimeout(this.#patience)
    this.answer.resolve(answer)
  }

  reject(error: Error): void {
    clearTimeout(this.#patience)
    this.answer.reject(error)
  }
}
