import { ReceiptUnreadable } from './receipt-schema.ts'

/**
 * The receipt in a text: the JSON of one, or the comment that ends a stream, headers and all.
 *
 * @throws ReceiptUnreadable saying what to give instead
 */
export function findReceipt(text: string): unknown {
  const comment = [...text.matchAll(/^: receipt (\{.*\})\r?$/gm)].at(-1)?.[1]
  const value = parse(comment ?? text.trim())
  if (value === undefined) {
    throw new ReceiptUnreadable(
      'There is no receipt in this. Give the JSON of GET /v1/receipts/{request id}, or the whole text of a stream, ' +
        'whose last lines have ": receipt {…}".',
    )
  }
  const { error } = value as { error?: { message?: unknown } }
  if (error) throw new ReceiptUnreadable(`This is an error, no receipt: ${String(error.message)}`)
  return value
}

function parse(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? value : undefined
  } catch {
    return undefined
  }
}
