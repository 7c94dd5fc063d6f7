/** From a quick model's first word to one that thinks for minutes. */
const ANSWER_SECONDS = [0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60, 120, 300, 600]
/** What we add ourselves: some ms, and a second where the ledger is away. */
const OWN_SECONDS = [0.001, 0.002, 0.003, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5]
/** A batch takes some ms, and is given up after a second. */
const BATCH_SECONDS = [0.001, 0.002, 0.003, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1]
/** A batch has at most 200 calls. */
const BATCH_CALLS = [1, 2, 5, 10, 20, 50, 100, 200]
/** Powers of four from 1 kB to 64 MB. */
const BYTES = Array.from({ length: 9 }, (_, power) => 1_024 * 4 ** power)

type Row<Labels extends readonly string[] = readonly string[]> = readonly [
  name: string,
  help: string,
  labels: Labels,
]

export const counters = {
  requests: [
    'requests_total',
    'Requests that have ended; model and outcome are empty where none was admitted.',
    ['endpoint', 'model', 'status', 'outcome'],
  ],
  refusals: ['refusals_total', 'Errors answered, by code.', ['endpoint', 'code']],
  tokens: ['tokens_total', 'Tokens billed, in disjoint classes.', ['model', 'class']],
  charge: ['charge_nano_usd_total', 'Taken from wallets, nUSD.', ['model']],
  cost: ['provider_cost_nano_usd_total', 'What providers charge us, nUSD.', ['provider']],
  loss: [
    'loss_nano_usd_total',
    'Due and not taken, nUSD: excused, or more than the wallet had (shortfall).',
    ['why'],
  ],
  upstreamErrors: [
    'upstream_errors_total',
    'Failed calls of upstreams, by whose affair it is.',
    ['provider', 'fault'],
  ],
  batchesFailed: [
    'ledger_batches_failed_total',
    'Batches without an answer in time, or refused by the database.',
    ['lane'],
  ],
  alerts: ['alerts_total', 'What an operator has to see to.', ['code']],
} as const satisfies Record<string, Row>

export const histograms = {
  firstOutput: [
    'first_output_seconds',
    'From the arrival of a request to its first output.',
    ['route'],
    ANSWER_SECONDS,
  ],
  duration: [
    'request_seconds',
    'From the arrival of a request to the end of its answer.',
    ['endpoint'],
    ANSWER_SECONDS,
  ],
  added: [
    'added_seconds',
    'Our part of that: what is not waiting for an upstream or the client.',
    ['endpoint'],
    OWN_SECONDS,
  ],
  bytes: [
    'http_bytes',
    'Bytes of requests (in) and answers (out), heads and bodies.',
    ['direction'],
    BYTES,
  ],
  batchCalls: ['ledger_batch_calls', 'Calls in a batch to the ledger.', ['lane'], BATCH_CALLS],
  batchSeconds: [
    'ledger_batch_seconds',
    'From sending a batch to its answer.',
    ['lane'],
    BATCH_SECONDS,
  ],
} as const satisfies Record<string, readonly [...Row, buckets: readonly number[]]>

export const gauges = {
  inFlight: ['requests_in_flight', 'Requests that have begun and not ended.', []],
  openStreams: ['streams_open', 'Of these, streams.', []],
  openDrains: ['drains_open', 'Answers read on for clients that have left.', []],
} as const satisfies Record<string, Row>
