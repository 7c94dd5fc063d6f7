import { ApiError } from '../errors.ts'

const MOST_CHARACTERS = 255

/** The caller's own name for its request, if it gave one. @throws ApiError 400 where it cannot be one */
export function readIdempotencyKey(header: string | undefined): string | undefined {
  if (header === undefined || (header.length <= MOST_CHARACTERS && /^[!-~]+$/.test(header)))
    return header
  throw new ApiError('invalid_request', {
    message: `The header Idempotency-Key must be 1 to ${MOST_CHARACTERS} visible ASCII characters.`,
    param: 'Idempotency-Key',
  })
}
