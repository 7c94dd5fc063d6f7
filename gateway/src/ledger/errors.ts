/** The ledger did not answer in time; what it may have held meanwhile is given back. */
export class BillingUnavailable extends Error {
  override readonly name = 'BillingUnavailable'
}

/** Too many calls of one account wait already. */
export class LedgerCrowded extends Error {
  override readonly name = 'LedgerCrowded'
}
