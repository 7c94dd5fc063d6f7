/** What an error body says, in one shape. */
export interface SaidError {
  readonly message: string | undefined
  /** Code and type, as text, the one that names it closest first. */
  readonly codes: readonly string[]
}

const MOST_CHARACTERS = 500

/** Reads the JSON of an error body; nothing where it is none. */
export function errorInBody(body: Buffer): SaidError {
  try {
    return errorIn(JSON.parse(body.toString('utf8'))) ?? NOTHING
  } catch {
    return NOTHING
  }
}

/**
 * The error a value tells, undefined where it tells none:
 *
 * - `{error: {code, type, message}}`: OpenAI's shape, and nearly everyone's; `{error: "text"}`
 * - `{code, message}`: DashScope's own
 * - `{base_resp: {status_code, status_msg}}`: MiniMax, also in a 200, where status 0 is none
 * - `{ResponseMetadata: {Error: {Code, Message}}}`: Volcengine
 */
export function errorIn(value: unknown): SaidError | undefined {
  const said = members(value)
  const { base_resp: base, ResponseMetadata: metadata } = said
  if (members(base)['status_code']) {
    return saidError(members(base)['status_msg'], members(base)['status_code'])
  }
  const volcengine = members(members(metadata)['Error'])
  if (volcengine['Code']) return saidError(volcengine['Message'], volcengine['Code'])
  const { error } = said
  if (error !== undefined && error !== null) {
    const { message, code, type } = members(error)
    return saidError(message ?? error, code, type)
  }
  const { code, type, message } = said
  return code === undefined && message === undefined ? undefined : saidError(message, code, type)
}

const NOTHING: SaidError = { message: undefined, codes: [] }

function saidError(message: unknown, ...codes: readonly unknown[]): SaidError {
  return {
    message: typeof message === 'string' ? message.slice(0, MOST_CHARACTERS) : undefined,
    codes: codes.flatMap((code) =>
      typeof code === 'string' || typeof code === 'number'
        ? [String(code).slice(0, MOST_CHARACTERS)]
        : [],
    ),
  }
}

const members = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
