import type { Adapter, AdapterConstructor, AdapterPayload } from 'oidc-provider'

/**
 * Where one identity provider keeps its sessions and codes: in memory, until it stops. The library's own warns at
 * every start that it is not for production; neither is this, and it cannot get there.
 */
export function createMemoryStore(): AdapterConstructor {
  const kept = new Map<string, AdapterPayload>()

  return class MemoryStore implements Adapter {
    readonly #kind: string

    constructor(kind: string) {
      this.#kind = kind
    }

    async upsert(id: string, payload: AdapterPayload): Promise<void> {
      kept.set(this.#key(id), payload)
    }

    async find(id: string): Promise<AdapterPayload | undefined> {
      return kept.get(this.#key(id))
    }

    async findByUid(uid: string): Promise<AdapterPayload | undefined> {
      return kept.values().find((payload) => payload.kind === this.#kind && payload.uid === uid)
    }

    /** Only devices have user codes, and none is served. */
    async findByUserCode(): Promise<undefined> {}

    async consume(id: string): Promise<void> {
      const payload = kept.get(this.#key(id))
      if (payload) payload.consumed = Math.floor(Date.now() / 1000)
    }

    async destroy(id: string): Promise<void> {
      kept.delete(this.#key(id))
    }

    async revokeByGrantId(grantId: string): Promise<void> {
      for (const [key, payload] of kept) if (payload.grantId === grantId) kept.delete(key)
    }

    #key(id: string): string {
      return `${this.#kind}:${id}`
    }
  }
}
