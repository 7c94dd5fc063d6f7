import type { IncomingMessage } from 'node:http'
import { ApiError } from '../errors.ts'

/** Bytes. Text prompts of a million tokens fit; so do a few images in base64. */
export const MAX_BODY_BYTES = 16 * 1024 * 1024
/** Levels of nesting. Schemas of tools have a dozen or two; some thousands overflow the stack of whoever writes JSON. */
const MOST_LEVELS = 128

export interface Body {
  readonly fields: Readonly<Record<string, unknown>>
  readonly bytes: number
}

/** Reads a JSON object, counting bytes as they come so that no length header has to be believed. */
export async function readBody(incoming: IncomingMessage): Promise<Body> {
  const chunks: Buffer[] = []
  let bytes = 0
  // Leaving the loop must not destroy the request: what is left of it is drained, or a reset may overtake the answer.
  const pieces = incoming.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>
  for await (const chunk of pieces) {
    bytes += chunk.length
    if (bytes > MAX_BODY_BYTES) {
      throw new ApiError('request_too_large', {
        message: `The request body is larger than ${MAX_BODY_BYTES / 1024 / 1024} MB.`,
        headers: { connection: 'close' },
      })
    }
    chunks.push(chunk)
  }
  return { fields: parseObject(Buffer.concat(chunks)), bytes }
}

function parseObject(bytes: Buffer): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(utf8.decode(bytes))
  } catch (cause) {
    throw new ApiError('invalid_json', {
      message: `The request body is not valid JSON: ${(cause as Error).message}.`,
    })
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ApiError('invalid_json', { message: 'The request body must be a JSON object.' })
  }
  if (isDeeper(value, MOST_LEVELS)) {
    throw new ApiError('invalid_json', {
      message: `The request body is nested deeper than ${MOST_LEVELS} levels.`,
    })
  }
  return value as Record<string, unknown>
}

/** Strict: a stray byte would go upstream as three, more than were counted. */
const utf8 = new TextDecoder('utf-8', { fatal: true })

const isDeeper = (value: unknown, levels: number): boolean =>
  typeof value === 'object' &&
  value !== null &&
  (levels === 0 || Object.values(value).some((member) => isDeeper(member, levels - 1)))
