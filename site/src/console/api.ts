import type { Operation } from './operations.ts'

/** Longer than the API's own deadline, so that its answer comes first. */
const TIMEOUT_MS = 10_000

/** Failures the API explains by itself. Its other messages are for whoever wrote the operation. */
const EXPLAINED = new Set(['UNAUTHENTICATED', 'NOT_FOUND', 'BAD_INPUT', 'LIMIT_REACHED'])

/** Why the API did not do what it was asked, in words for the person who asked. */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  /** `UNREACHABLE` where no answer came, so that what was asked may have been done all the same. */
  readonly code: string

  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}

/** What the console asks of the server. */
export interface Api {
  /** Runs a GraphQL operation. @throws ApiError also where only a part of it failed */
  ask<Data, Variables>(operation: Operation<Data, Variables>, variables: Variables): Promise<Data>
  /** Ends the session. @throws ApiError */
  signOut(): Promise<void>
}

/** The API at an origin: the page's own unless another is named. */
export function createApi(origin = ''): Api {
  return {
    async ask<Data, Variables>(query: Operation<Data, Variables>, variables: Variables) {
      const response = await post(`${origin}/graphql`, JSON.stringify({ query, variables }))
      const { data, errors } = await readAnswer<Data>(response)
      if (errors?.[0]) throw explained(errors[0])
      if (!data) throw failed(response.status)
      return data
    },
    async signOut() {
      const response = await post(`${origin}/auth/sign-out`)
      if (!response.ok) throw failed(response.status)
    },
  }
}

interface Answer<Data> {
  readonly data?: Data | null
  readonly errors?: readonly Failure[]
}

interface Failure {
  readonly message: string
  readonly extensions?: { readonly code?: string }
}

/** The header is one that only this origin's pages can send: it keeps others from asking in our name. */
async function post(url: string, body?: string): Promise<Response> {
  try {
    return await fetch(url, {
      method: 'POST',
      credentials: 'same-origin',
      headers: { 'content-type': 'application/json', 'x-graphql-yoga-csrf': '1' },
      signal: AbortSignal.timeout(TIMEOUT_MS),
      ...(body !== undefined && { body }),
    })
  } catch (error) {
    throw unreachable(error)
  }
}

/** Proxies answer in HTML, and a body can break off: neither is an answer of the API. */
async function readAnswer<Data>(response: Response): Promise<Answer<Data>> {
  const text = await response.text().catch((error: unknown) => {
    throw unreachable(error)
  })
  try {
    const answer: unknown = JSON.parse(text)
    if (typeof answer === 'object' && answer !== null) return answer
  } catch {
    // Said below.
  }
  throw failed(response.status)
}

function explained({ message, extensions }: Failure): ApiError {
  const code = extensions?.code ?? 'FAILED'
  if (EXPLAINED.has(code)) return new ApiError(code, message)
  return new ApiError(code, 'Something went wrong on our side. Try again in a minute.')
}

function failed(status: number): ApiError {
  const message = `The server answered with an error (status ${status}). Try again in a minute.`
  return new ApiError('FAILED', message)
}

function unreachable(error: unknown): ApiError {
  const message =
    error instanceof Error && error.name === 'TimeoutError'
      ? `The server did not answer within ${TIMEOUT_MS / 1_000} seconds. Try again.`
      : 'The server cannot be reached. Check your connection and try again.'
  return new ApiError('UNREACHABLE', message)
}
