import type { IncomingMessage } from 'node:http'
import { ApiError } from '../errors.ts'

/** Bytes. Text prompts of a million tokens fit; so do a few images in base64. */
export const MAX_BODY_BYTES = 16 * 1024 * 1024

export interface Body {
  readonly fields: Readonly<Record<string, unknown>>
  readonly bytes: number
}

/** Reads a JSON object, counting bytes as they come so that no length header has to be believed. */
export async function readBody(incoming: IncomingMessage): Promise<Body> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > MAX_BODY_BYTES) {
      throw new ApiError('request_too_large', {
        message: `The request body is larger than ${MAX_BODY_BYTES / 1024 / 1024} MB.`,
        headers: { connection: 'close' },
      })
    }
    chunks.push(chunk)
  }
  return { fields: parseObject(Buffer.concat(chunks).toString('utf8')), bytes }
}

function parseObject(text: string): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new ApiError('invalid_json', {
      message: `The request body is not valid JSON: ${(cause as Error).message}.`,
    })
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ApiError('invalid_json', { message: 'The request body must be a JSON object.' })
  }
  return value as Record<string, unknown>
}
