import { newId } from '@smartoken/prisma/ids'
import type { Context } from 'hono'
import type { Services } from '../open-services.ts'

/** As on every answer; being asked whether one is well is no request to be recorded. */
const headers = () => ({
  'cache-control': 'no-store',
  'x-request-id': newId('request'),
  'x-robots-tag': 'noindex',
})

/** GET /healthz: the process is alive. For whoever would restart it. */
export const isAlive = (c: Context): Response => c.text('ok', 200, headers())

/** GET /readyz: whether to send requests here, and if not, why not. For a load balancer. */
export const isReady =
  ({ notReady }: Pick<Services, 'notReady'>) =>
  (c: Context): Response => {
    const reasons = notReady()
    const ready = reasons.length === 0
    return c.json({ ready, not_ready: reasons }, ready ? 200 : 503, headers())
  }
