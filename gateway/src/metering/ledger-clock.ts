/** The database's clock as this process last saw it: prices are quoted by it, not by the machine's own. */
export interface LedgerClock {
  readonly now: () => Date
  /** Takes an instant just read from the database. */
  readonly set: (read: Date) => void
}

export function createLedgerClock(): LedgerClock {
  let ahead = 0
  return {
    now: () => new Date(Date.now() + ahead),
    set: (read) => {
      ahead = read.getTime() - Date.now()
    },
  }
}
