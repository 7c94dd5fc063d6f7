import { batch, signal, type ReadonlySignal } from '@preact/signals'
import { ApiError, type Api } from './api.ts'
import { mergeRequests } from './merge-requests.ts'
import {
  createApiKey,
  readAccount,
  readMoreRequests,
  revokeApiKey,
  type Account,
  type ApiKey,
  type Operation,
  type RequestPage,
} from './operations.ts'

const NO_REQUESTS: RequestPage = { edges: [], pageInfo: { hasNextPage: false, endCursor: null } }

/** What an open console shows, and what can be done to it. Nothing of it outlives the page. */
export class AccountState {
  readonly #api: Api
  readonly #account = signal<Account | null | undefined>()
  readonly #requests = signal(NO_REQUESTS)
  readonly #problem = signal<string>()
  readonly #readAt = signal<Date>()
  /** Counts changes made here, so that an answer from before one is not shown after it. */
  #changes = 0
  #refreshing: Promise<void> | undefined

  /** `undefined` until it is known, `null` when signed out. */
  readonly account: ReadonlySignal<Account | null | undefined> = this.#account
  readonly requests: ReadonlySignal<RequestPage> = this.#requests
  /** Why what is shown could not be brought up to date, if it could not. */
  readonly problem: ReadonlySignal<string | undefined> = this.#problem
  /** When what is shown was read. */
  readonly readAt: ReadonlySignal<Date | undefined> = this.#readAt

  constructor(api: Api) {
    this.#api = api
  }

  /** Reads everything again. Never throws: what goes wrong is in `problem`. */
  refresh(): Promise<void> {
    this.#refreshing ??= this.#read().finally(() => (this.#refreshing = undefined))
    return this.#refreshing
  }

  /** Returns the secret, which is kept nowhere. @throws ApiError */
  async createKey(name: string): Promise<string> {
    const { createApiKey: created } = await this.#whileSignedIn(createApiKey, { name })
    this.#showKeys((apiKeys) => [created.apiKey, ...apiKeys])
    return created.secret
  }

  /** @throws ApiError */
  async revokeKey(id: string): Promise<void> {
    const { revokeApiKey: revoked } = await this.#whileSignedIn(revokeApiKey, { id })
    this.#showKeys(() => revoked.account.apiKeys)
  }

  /** Adds the next page of requests. Returns how many there were. @throws ApiError */
  async loadMore(): Promise<number> {
    const { hasNextPage, endCursor } = this.#requests.value.pageInfo
    if (!hasNextPage || endCursor === null) return 0
    const { viewer } = await this.#whileSignedIn(readMoreRequests, { after: endCursor })
    if (!viewer) return this.#endSession()
    const { edges, pageInfo } = this.#requests.value
    // The list was read anew meanwhile: this page is not the next one any more.
    if (pageInfo.endCursor !== endCursor) return 0
    const { requests: page } = viewer
    this.#requests.value = { edges: [...edges, ...page.edges], pageInfo: page.pageInfo }
    return page.edges.length
  }

  /** @throws ApiError */
  async signOut(): Promise<void> {
    await this.#api.signOut()
    this.#changes += 1
    this.#show(null)
  }

  async #read(): Promise<void> {
    const before = this.#changes
    try {
      const { viewer } = await this.#api.ask(readAccount, {})
      if (before !== this.#changes) return await this.#read()
      const ended = Boolean(this.#account.value) && viewer === null
      this.#show(viewer)
      if (ended) this.#problem.value = 'Your session has ended. Sign in again.'
    } catch (error) {
      this.#problem.value = messageOf(error)
    }
  }

  #show(viewer: (Account & { readonly requests: RequestPage }) | null): void {
    batch(() => {
      this.#requests.value = mergeRequests(this.#requests.value, viewer?.requests ?? NO_REQUESTS)
      this.#account.value = viewer
      this.#readAt.value = new Date()
      this.#problem.value = undefined
    })
  }

  #showKeys(change: (apiKeys: readonly ApiKey[]) => readonly ApiKey[]): void {
    this.#changes += 1
    const account = this.#account.value
    if (account) this.#account.value = { ...account, apiKeys: change(account.apiKeys) }
  }

  async #whileSignedIn<Data, Variables>(
    operation: Operation<Data, Variables>,
    variables: Variables,
  ): Promise<Data> {
    try {
      return await this.#api.ask(operation, variables)
    } catch (error) {
      if (error instanceof ApiError && error.code === 'UNAUTHENTICATED') return this.#endSession()
      throw error
    }
  }

  #endSession(): never {
    this.#changes += 1
    this.#show(null)
    this.#problem.value = 'Your session has ended, so nothing was changed. Sign in again.'
    throw new ApiError('UNAUTHENTICATED', this.#problem.value)
  }
}

/** What to tell the person about a failure. */
export function messageOf(error: unknown): string {
  if (error instanceof ApiError) return error.message
  console.error(error)
  return 'Something went wrong in this page. Reload it.'
}
