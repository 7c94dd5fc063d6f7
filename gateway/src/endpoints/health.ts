import type { Context } from 'hono'
import type { Services } from '../open-services.ts'

const NOT_STORED = { 'cache-control': 'no-store' }

/** GET /healthz: the process is alive. For whoever would restart it. */
export const isAlive = (c: Context): Response => c.text('ok', 200, NOT_STORED)

/** GET /readyz: whether to send requests here, and if not, why not. For a load balancer. */
export const isReady =
  ({ notReady }: Pick<Services, 'notReady'>) =>
  (c: Context): Response => {
    const reasons = notReady()
    const ready = reasons.length === 0
    return c.json({ ready, not_ready: reasons }, ready ? 200 : 503, NOT_STORED)
  }
