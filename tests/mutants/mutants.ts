/** One change to the money code that must not survive its tests. */
export interface Mutant {
  /** What the change does, as a reviewer would say it. */
  readonly name: string
  readonly file: string
  /** Found exactly once in the file. */
  readonly from: string
  readonly to: string
  /** Test files that are to see it. */
  readonly tests: readonly string[]
}

const ADMISSION = 'prisma/migrations/20261125000005_limits_told/migration.sql'
const HOLDS = 'prisma/migrations/20261125000003_holds/migration.sql'
const BOOKS = 'prisma/migrations/20261125000002_books/migration.sql'
const GIVING_BACK = 'prisma/migrations/20261125000004_giving_back/migration.sql'
const LOCK = 'prisma/migrations/20261123000003_hold_open/migration.sql'

const SETTLE = 'prisma/ledger/settle.test.ts'
const HOLD = 'prisma/ledger/hold.test.ts'
const RENEW = 'prisma/ledger/renew.test.ts'
const SWEEP = 'prisma/ledger/sweep.test.ts'
const EXCUSE = 'prisma/ledger/excuse.test.ts'
const LEDGER = 'gateway/src/ledger/ledger.test.ts'
const SLICES = 'tests/gateway/slices.test.ts'
const DRAINS = 'tests/gateway/drains.test.ts'
const ABORTS = 'tests/gateway/aborts.test.ts'
const RELAY = 'gateway/src/relay/relay-stream.ts'

export const mutants: readonly Mutant[] = [
  {
    name: 'the unique key of transfers is dropped',
    file: BOOKS,
    from: 'alter table transfer add primary key (ref, kind, debit, credit);',
    to: 'create index on transfer (ref, kind, debit, credit);',
    tests: [SETTLE, 'prisma/ledger/credit.test.ts'],
  },
  {
    name: 'wallets are not locked',
    file: LOCK,
    from: 'where account_id = any (account_ids) order by account_id for no key update) as w;',
    to: 'where account_id = any (account_ids) order by account_id) as w;',
    tests: [HOLD, SETTLE],
  },
  {
    name: 'paid money is taken before promo money',
    file: HOLDS,
    from: "order by (lot.origin = 'paid'), lot.expires_at",
    to: "order by (lot.origin = 'promo'), lot.expires_at",
    tests: [SETTLE],
  },
  {
    name: 'a report of zero is taken for a missing one',
    file: 'prisma/bill/bill.ts',
    from: "reported is Usage => typeof reported === 'object'",
    to: "reported is Usage => typeof reported === 'object' && (reported.input || reported.output) > 0",
    tests: ['prisma/bill/bill.test.ts'],
  },
  {
    name: 'a charge is not kept within hold and balance',
    file: HOLDS,
    from: 'taken := least(item.due - excuse, item.amount + greatest(least(free, cap_room), 0));',
    to: 'taken := item.due - excuse;',
    tests: [SETTLE],
  },
  {
    name: 'a charge is rounded down',
    file: 'prisma/catalog/price.ts',
    from: 'return (amount + by - 1n) / by',
    to: 'return amount / by',
    tests: ['prisma/catalog/price.test.ts'],
  },
  {
    name: 'a settle leaves its hold open, to be settled again',
    file: HOLDS,
    from: '  delete from hold where request_id = any (ids);\n\n  if not provisional',
    to: '  if not provisional',
    tests: [SETTLE],
  },
  {
    name: 'a late settle may come twice',
    file: HOLDS,
    from: 'shortfall = item.due - excuse - r.charge - more, provisional = false,',
    to: 'shortfall = item.due - excuse - r.charge - more,',
    tests: [SWEEP],
  },
  {
    name: 'the sweeper does not wait until it has seen the database up for a lease',
    file: 'gateway/src/ledger/lease-keeper.ts',
    from: 'if (now - this.#upSince >= this.#leaseMs) await this.#sweep()',
    to: 'await this.#sweep()',
    tests: ['tests/recovery/database-restarts.test.ts'],
  },
  {
    name: 'a cap forgets what its key holds',
    file: HOLDS,
    from: 'else 0 end) - k.held',
    to: 'else 0 end)',
    tests: [HOLD],
  },
  {
    name: 'a replayed hold is held again',
    file: ADMISSION,
    from: "when ask.already is not null or ask.request_id = any (held_ids) then 'replayed'",
    to: "when ask.request_id = any (held_ids) then 'replayed'",
    tests: [HOLD],
  },
  {
    name: 'a renewal is not kept within the balance',
    file: HOLDS,
    from: 'greatest(least(ask.total - ask.amount, free, cap_room), 0)',
    to: 'greatest(least(ask.total - ask.amount, cap_room), 0)',
    tests: [RENEW],
  },
  {
    name: 'excuses have no bound',
    file: HOLDS,
    from: 'excuse := case when item.excusable then greatest(least(item.due, excuse_room), 0) else 0 end;',
    to: 'excuse := case when item.excusable then item.due else 0 end;',
    tests: [EXCUSE],
  },
  {
    name: 'refunds together may exceed their charge',
    file: GIVING_BACK,
    from: "when ask.amount > room then 'beyond_charge'",
    to: "when ask.amount > ask.room then 'beyond_charge'",
    tests: ['prisma/ledger/refund.test.ts'],
  },
  {
    name: 'an opening whose caller was refused keeps its hold',
    file: 'gateway/src/ledger/ledger.ts',
    from: '      this.settle(releaseOf(call.row)).catch(() => {})\n',
    to: '',
    tests: [LEDGER],
  },
  {
    name: 'a bad row takes its whole batch with it',
    file: 'gateway/src/ledger/lane.ts',
    from: 'if (entries.length === 1) return this.#options.poisoned(entries[0]!, error)',
    to: 'return entries.forEach((entry) => this.#options.poisoned(entry, error))',
    tests: [LEDGER],
  },
  {
    name: 'an implausible report is believed',
    file: 'prisma/bill/plausible.ts',
    from: 'usage.output + usage.thinkingOutput <= most.output',
    to: 'most.output >= 0',
    tests: ['prisma/bill/bill.test.ts'],
  },
  {
    name: 'a stream reads on where its money is used up',
    file: RELAY,
    from: "if (!this.#money.used(answerBytes)) this.#brake.hold('money')",
    to: 'this.#money.used(answerBytes)',
    tests: [SLICES],
  },
  {
    name: 'a stream that waited for money never goes on',
    file: 'gateway/src/relay/slice-hold.ts',
    from: '      this.#use.goOn()\n',
    to: '',
    tests: [SLICES],
  },
  {
    name: 'the house lends nothing while the ledger is away',
    file: 'gateway/src/relay/slice-hold.ts',
    from: "if (this.#edge && this.#refused === 'away' && this.#lent === 0) this.#lent = SLICE_TOKENS",
    to: '',
    tests: [SLICES],
  },
  {
    name: 'a settle knows the first slice only',
    file: RELAY,
    from: 'hold: { ...hold, amount: this.#money.amount }',
    to: 'hold',
    tests: [SLICES],
  },
  {
    name: 'what nobody read is counted as delivered',
    file: RELAY,
    from: 'deliveredBytes: this.#departure?.deliveredBytes ?? this.#reader.facts.answerBytes',
    to: 'deliveredBytes: this.#reader.facts.answerBytes',
    tests: [DRAINS],
  },
  {
    name: 'one drain more than allowed',
    file: 'gateway/src/relay/drains.ts',
    from: 'this.#open >= this.#options.most',
    to: 'this.#open > this.#options.most',
    tests: [DRAINS],
  },
  {
    name: 'every provider is taken to bill on',
    file: 'gateway/src/relay/departure.ts',
    from: "billsOnCancel.stream !== 'stops'",
    to: 'billsOnCancel.stream !== undefined',
    tests: [ABORTS],
  },
  {
    name: 'escaped text is counted by the bytes of its JSON',
    file: 'gateway/src/relay/text-bytes.ts',
    from: 'bytes -= 6 - escapedBytes(json, at)',
    to: '',
    tests: [ABORTS],
  },
]
