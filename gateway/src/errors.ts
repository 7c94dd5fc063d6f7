/**
 * Every error a client of `/v1` can see: HTTP status, OpenAI `type`, and what to do.
 * A test holds the table of the quickstart to it.
 */
export const errorCatalog = {
  invalid_api_key: [
    401,
    'invalid_request_error',
    'Incorrect API key provided. Send "Authorization: Bearer YOUR_SMARTOKEN_KEY" with a full key that has not been revoked.',
  ],
  invalid_json: [400, 'invalid_request_error', 'The request body is not valid JSON.'],
  invalid_request: [400, 'invalid_request_error', 'The request is not valid.'],
  unsupported_parameter: [400, 'invalid_request_error', 'This parameter is not supported.'],
  upstream_rejected: [400, 'invalid_request_error', 'The model provider refused the request.'],
  context_length_exceeded: [
    400,
    'invalid_request_error',
    'The prompt and the answer asked for do not fit the context of the model.',
  ],
  content_filter: [
    400,
    'invalid_request_error',
    'The content filter of the model provider refused the request.',
  ],
  insufficient_balance: [
    402,
    'insufficient_quota',
    'Your balance is too low for this request. Add balance, lower max_tokens or choose a cheaper model.',
  ],
  spend_cap_reached: [
    402,
    'insufficient_quota',
    'This API key has reached its spend cap. Raise the cap or use another key.',
  ],
  account_frozen: [403, 'invalid_request_error', 'This account is frozen. Contact support.'],
  model_not_allowed: [403, 'invalid_request_error', 'This API key may not use that model.'],
  model_not_found: [
    404,
    'invalid_request_error',
    'That model does not exist. See /v1/models for the ids you can send.',
  ],
  receipt_not_found: [
    404,
    'invalid_request_error',
    'There is no receipt with that request id. Send the x-request-id of an answer, with a key of the account that asked.',
  ],
  not_found: [404, 'invalid_request_error', 'There is no such endpoint.'],
  method_not_allowed: [405, 'invalid_request_error', 'This endpoint does not take that method.'],
  idempotency_key_used: [
    409,
    'invalid_request_error',
    'A request with this Idempotency-Key is running or has been answered: GET /v1/receipts/{first_request_id} tells. Send a new request under a new key.',
  ],
  request_too_large: [413, 'invalid_request_error', 'The request body is too large.'],
  rate_limit_exceeded: [
    429,
    'rate_limit_error',
    'Too many requests. Wait as long as Retry-After says.',
  ],
  load_protection: [
    429,
    'rate_limit_error',
    'The model is under heavy load. Wait as long as Retry-After says, then retry with backoff.',
  ],
  internal_error: [
    500,
    'api_error',
    'Something went wrong on our side. Quote the x-request-id if it persists.',
  ],
  model_unavailable: [
    503,
    'api_error',
    'The model is temporarily unavailable: no route to it is configured.',
  ],
  upstream_unavailable: [
    503,
    'api_error',
    'The model is temporarily unavailable. Retry with backoff or use a comparable model.',
  ],
  upstream_broke: [
    502,
    'api_error',
    'The model stopped answering in the middle. Such an answer is hardly ever charged: GET /v1/receipts/{x-request-id} tells.',
  ],
  server_restarting: [
    503,
    'api_error',
    'This server is restarting and could not finish. Send the request again; of an answer you pay what you received.',
  ],
  billing_unavailable: [
    503,
    'api_error',
    'Billing is temporarily unavailable, so no request can be admitted. Retry shortly.',
  ],
} as const satisfies Record<string, readonly [status: number, type: string, message: string]>

export type ErrorCode = keyof typeof errorCatalog

export interface ErrorDetails {
  /** In place of the catalogue's message, for this one case. */
  readonly message?: string
  /** The request field concerned, as OpenAI's `param`. */
  readonly param?: string
  readonly headers?: Readonly<Record<string, string>>
  /** Further members of the error object. */
  readonly extra?: Readonly<Record<string, unknown>>
  /** Logged, never sent. */
  readonly cause?: unknown
}

/** Statuses that always say when to try again, in whole seconds. */
const RETRY_LATER: ReadonlySet<number> = new Set([429, 503])
const RETRY_AFTER = { 'retry-after': '5' }

/** An error the client is told about, thrown by any step and answered once. */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  readonly code: ErrorCode
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly #body: object

  constructor(code: ErrorCode, details: ErrorDetails = {}) {
    const [status, type, standard] = errorCatalog[code]
    const message = details.message ?? standard
    super(message, { cause: details.cause })
    this.code = code
    this.status = status
    this.headers = { ...(RETRY_LATER.has(status) && RETRY_AFTER), ...details.headers }
    this.#body = { message, type, param: details.param ?? null, code, ...details.extra }
  }

  /** The OpenAI envelope, `{error: {message, type, param, code}}`. */
  toJSON(): object {
    return { error: this.#body }
  }
}
