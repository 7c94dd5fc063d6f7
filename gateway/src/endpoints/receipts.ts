import { receiptOf } from '@smartoken/prisma/bill'
import { findSettled, type FoundRequest } from '@smartoken/prisma/ledger'
import type { Context } from 'hono'
import type { GatewayContext } from '../app.ts'
import { ApiError } from '../errors.ts'
import type { Services } from '../open-services.ts'
import { createAuthenticate } from '../steps/authenticate.ts'

/** GET /v1/receipts/{request id}: what a request of the key's account cost and why, from what is stored of it. */
export const getReceipt = (services: Services) => {
  const authenticate = createAuthenticate(services)

  return async (c: Context<GatewayContext, '/v1/receipts/:id'>): Promise<Response> => {
    const { apiKeyId } = await authenticate({
      authorization: c.req.header('authorization'),
      'x-api-key': c.req.header('x-api-key'),
    })
    const { receipt } = foundOrRefused(await find(services, c.req.param('id'), apiKeyId))
    const { request, price, lots } = receipt
    c.header('cache-control', 'no-store')
    return c.json(receiptOf(services.catalog, request, price, lots))
  }
}

async function find(
  { database }: Services,
  requestId: string,
  apiKeyId: string,
): Promise<FoundRequest> {
  try {
    return await findSettled(database, { requestId, apiKeyId })
  } catch (cause) {
    throw new ApiError('billing_unavailable', {
      message: 'The ledger cannot be reached, so the receipt cannot be read. Retry shortly.',
      cause,
      headers: { 'retry-after': '2' },
    })
  }
}

/** @throws ApiError: 401 for a stopped key; 404 alike for an unknown id and another account's */
function foundOrRefused(answer: FoundRequest): Extract<FoundRequest, { found: 'settled' }> {
  if (answer.found === 'settled') return answer
  if (answer.found === 'key_stopped') throw new ApiError('invalid_api_key')
  if (answer.found === 'none') throw new ApiError('receipt_not_found')
  throw new ApiError('receipt_not_found', {
    message: 'This request is still running. Its receipt is there when it has ended.',
    headers: { 'retry-after': '2' },
  })
}
