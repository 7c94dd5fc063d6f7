/** A function a model may call. */
export interface Tool {
  readonly name: string
  readonly description: string
  /** JSON schema of its arguments. */
  readonly parameters: Record<string, unknown>
}

/** What is asked of a model, in no client's words. */
export interface Question {
  readonly model: string
  readonly text: string
  /** A `data:` URL of an image to look at. */
  readonly image?: string
  readonly tools?: readonly Tool[]
  /** JSON is wanted: any object, or one of a schema. */
  readonly json?: 'object' | Record<string, unknown>
  /** Stands in for the client's own number of retries. */
  readonly retries?: number
}

/** Tokens as a client shows them, 0 where it shows none. */
export interface ShownUsage {
  readonly input: number
  readonly cached: number
  readonly output: number
  readonly reasoning: number
}

/** An answer as a client shows it. */
export interface Answer {
  readonly text: string
  readonly reasoning: string
  readonly calls: readonly { readonly id: string; readonly name: string; readonly input: unknown }[]
  /** The finish reason in OpenAI's spelling. */
  readonly finish: string | null | undefined
  readonly usage: ShownUsage | undefined
}

/** A streamed answer, with the pieces of its text in the order they came. */
export interface StreamedAnswer extends Answer {
  readonly pieces: readonly string[]
}

/** An error as a client shows it. */
export interface ShownError {
  /** The client's class or name for it. */
  readonly name: string
  readonly status: number | undefined
  readonly code: unknown
  readonly message: string
}

export interface StreamOptions {
  readonly signal?: AbortSignal
  /** Called with each piece of text as it comes. */
  readonly onText?: (piece: string) => void
}

/** An official client, configured as its documentation says: a base URL and a key. */
export interface Client {
  ask(question: Question, signal?: AbortSignal): Promise<Answer>
  stream(question: Question, options?: StreamOptions): Promise<StreamedAnswer>
  shown(error: unknown): ShownError
}

export interface Connection {
  /** Ends in `/v1`. */
  readonly baseURL: string
  readonly apiKey: string
}
