import type { Receipt } from '@smartoken/prisma/bill'
import type { ApiError } from '../errors.ts'

export const KEEP_ALIVE = ': keep-alive\n\n'
export const DONE = 'data: [DONE]\n\n'

export const dataEvent = (value: object): string => `data: ${JSON.stringify(value)}\n\n`

/** An error where a status can no longer say it. SDKs end at `error`, others at the finish reason. */
export const errorEvent = (error: ApiError): string =>
  dataEvent({ ...error.toJSON(), choices: [{ index: 0, delta: {}, finish_reason: 'error' }] })

/** A receipt as it ends a stream: a comment, which clients skip. */
export const receiptComment = (receipt: Receipt): string =>
  `: receipt ${JSON.stringify(receipt)}\n\n`
