import { createHmac } from 'node:crypto'

/**
 * What a provider is told of who asks: the same for an account as long as the key is, another at each key, and nothing that
 * can be turned back into the account. So it can isolate caches and abuse by account, and that is all it learns.
 *
 * The upstream key is the secret: every gateway has it, and no further one has to be kept. Whoever knows it, the provider
 * too, could only check a guess; ids have 80 random bits.
 */
export const callerPseudonym = (upstreamKey: string, accountId: string): string =>
  createHmac('sha256', upstreamKey).update(`account ${accountId}`).digest('hex').slice(0, 32)
