/** What becomes of a request's usage, given how it ended. */
interface OutcomeRule {
  /** When it applies. */
  readonly when: string
  /** What the caller pays for. */
  readonly billed: string
  /** What becomes of the provider's answer. */
  readonly upstream: string
  /**
   * `usage`: the provider's report where there is a plausible one, else what was delivered, counted;
   * `delivered`: always counted; `input`: the prompt alone, counted.
   */
  readonly bills: 'usage' | 'delivered' | 'input' | 'nothing'
  /** Whether a provider's report was due, so that its absence is worth a flag. */
  readonly reportDue?: true
  /** Whether the house bears it, up to the account's allowance of the day. */
  readonly excusable?: true
  /** Whether no more is due than was held. */
  readonly cappedAtHold?: true
  /** Whether nothing is due where nothing was delivered, not even the prompt: the fault is ours. */
  readonly freeWithoutOutput?: true
}

const REPORTED = 'The reported usage; if it is missing or cannot be true, a count of the bytes.'

/**
 * Every way a request can end, and its bill. The docs print this table and {@link bill} works by it.
 * The source of the rules is the decision record on what a request is billed.
 */
export const outcomes = {
  completed: {
    when: 'The answer reached its end.',
    billed: REPORTED,
    upstream: 'Read to its end.',
    bills: 'usage',
    reportDue: true,
  },
  content_filter: {
    when: 'The provider’s content filter ended the answer after some of it had come.',
    billed: REPORTED,
    upstream: 'Read to its end.',
    bills: 'usage',
    reportDue: true,
  },
  client_left_after_finish: {
    when: 'You disconnected after the answer’s finish reason, before its usage.',
    billed: REPORTED,
    upstream: 'Read on for up to 5 seconds.',
    bills: 'usage',
    reportDue: true,
  },
  client_left_drained: {
    when: 'You disconnected in the middle, and the provider bills an answer whether or not it is read.',
    billed: REPORTED,
    upstream: 'Read to its end without you, for up to 120 seconds.',
    bills: 'usage',
    reportDue: true,
  },
  client_left: {
    when: 'You disconnected in the middle, and the provider stops billing when it is cancelled.',
    billed: 'What had been delivered, counted; the reported usage if it had come.',
    upstream: 'Cancelled.',
    bills: 'usage',
  },
  client_left_before_output: {
    when: 'You disconnected before any output.',
    billed: 'The prompt alone, counted.',
    upstream: 'Cancelled.',
    bills: 'input',
  },
  upstream_error: {
    when: 'The provider failed or refused before any output.',
    billed: 'Nothing.',
    upstream: 'The next route is tried.',
    bills: 'nothing',
  },
  upstream_broke: {
    when: 'The provider broke off after some output.',
    billed:
      'Nothing, up to $1 or 3% of what your account spends that day, whichever is more; beyond that what had been delivered, counted.',
    upstream: 'Not tried again: you already have part of an answer.',
    bills: 'delivered',
    excusable: true,
  },
  money_limit: {
    when: 'Your balance, or the key’s cap, was used up in the middle: the answer ends with finish reason "length". Or billing could not be reached for more of it: it ends with an error.',
    billed:
      'The reported usage or, without it, what had been delivered, counted; never more than was held.',
    upstream: 'Cancelled.',
    bills: 'usage',
    cappedAtHold: true,
  },
  shutdown: {
    when: 'We restarted a server in the middle.',
    billed: 'What had been delivered, counted; nothing before any output.',
    upstream: 'Cancelled.',
    bills: 'usage',
    freeWithoutOutput: true,
  },
  gateway_lost: {
    when: 'One of our servers failed in the middle.',
    billed: 'What it had last noted as delivered, counted; nothing before any output.',
    upstream: 'Lost with the server.',
    bills: 'usage',
    freeWithoutOutput: true,
  },
} as const satisfies Record<string, OutcomeRule>

/** How a request ended. One word each, stored with the request. */
export type Outcome = keyof typeof outcomes

/** The rule of an outcome, with all its members named. */
export const ruleOf = (outcome: Outcome): OutcomeRule => outcomes[outcome]
