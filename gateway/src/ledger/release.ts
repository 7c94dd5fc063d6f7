import type { Settlement } from '@smartoken/prisma/ledger'
import { nanoUsd } from '@smartoken/prisma/money'

/** The settlement that gives a hold back whose request never began: its caller was told that billing is unavailable. */
export const releaseOf = (of: {
  readonly requestId: string
  readonly accountId: string
}): Settlement => ({
  requestId: of.requestId,
  accountId: of.accountId,
  due: nanoUsd(0n),
  cost: nanoUsd(0n),
  usage: { input: 0, cachedInput: 0, cacheWrite: 0, output: 0, thinkingOutput: 0 },
  usageSource: 'none',
  answerBytes: 0,
  route: undefined,
  provider: undefined,
  upstreamModel: undefined,
  attempts: 0,
  maxTokensSent: 0,
  status: 503,
  outcome: 'upstream_error',
  errorCode: 'billing_unavailable',
  finishReason: undefined,
  firstOutputAt: undefined,
})
