/**
 * What an operator has to see to. Each is a line at level error and counts in `smartoken_alerts_total`; README says what
 * to do. Never a caller's fault.
 */
export const alertCodes = [
  /** A provider does not take our key (401, 403). */
  'upstream_key_refused',
  /** A provider wants money of us. */
  'upstream_arrears',
  /** A provider does not know a model or address of ours (404). */
  'upstream_model_unknown',
  /** A provider refuses us in another way that is not the caller's affair. */
  'upstream_refuses_us',
  /** A row cannot be booked, so its account was frozen. */
  'account_frozen',
  /** The same, and the account could not even be frozen. */
  'account_not_frozen',
  /** A process was taken for dead and is not. */
  'lease_lost',
  /** Requests were settled for processes that are gone. */
  'requests_swept',
] as const

export type AlertCode = (typeof alertCodes)[number]

/** What an alert may say. */
export interface AlertFacts {
  readonly accountId?: string | undefined
  readonly requestId?: string | undefined
  /** An upstream's id: provider and number of its key. */
  readonly upstream?: string | undefined
  /** HTTP status the upstream answered. */
  readonly status?: number | undefined
  readonly epoch?: bigint | undefined
  readonly epochs?: bigint | undefined
  readonly requests?: bigint | undefined
  /** Logged as far as it is ours to log. */
  readonly cause?: unknown
}
