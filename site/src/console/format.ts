import type { Dollars } from './operations.ts'

/** `1234.50` → `$1,234.50`: every digit that is there, and none that is not. */
export function dollars(amount: Dollars): string {
  const [whole = '', fraction] = amount.split('.')
  const grouped = whole.replaceAll(/\B(?=(?:\d{3})+$)/g, ',')
  return `$${fraction === undefined ? grouped : `${grouped}.${fraction}`}`
}

/** `1204` → `1,204`. */
export const count = (tokens: number): string => tokens.toLocaleString('en')

/** `client_left` → `Client left`. */
export function words(code: string): string {
  const text = code.replaceAll('_', ' ')
  return text.charAt(0).toUpperCase() + text.slice(1)
}
