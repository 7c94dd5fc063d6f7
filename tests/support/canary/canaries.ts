/**
 * Secrets that tests plant, and how to know them again. Each is of letters and digits only, so that it is the same in JSON,
 * in a URL and in a header.
 */
const PROVIDER_KEY = 'Key7Qz3vWn1xKcanary'
export const PROMPT = 'prompt9Xb2mRt8Lscanary'

/** A provider's key for a test, by any name. */
export const providerKey = (name: string): string => `${name}${PROVIDER_KEY}`

/** What must not leak: a provider's key, an API key of ours, what a caller says. */
export type Secret = 'provider key' | 'api key' | 'prompt'

export const secrets: Readonly<Record<Secret, RegExp>> = {
  'provider key': new RegExp(`${PROVIDER_KEY}|${hexOf(PROVIDER_KEY)}`),
  'api key': new RegExp(`sk-st-[0-9A-Za-z]{38}|${hexOf('sk-st-')}[0-9a-f]{76}`),
  prompt: new RegExp(`${PROMPT}|${hexOf(PROMPT)}`),
}

export const ALL: readonly Secret[] = ['provider key', 'api key', 'prompt']

/** As PostgreSQL shows bytes. */
function hexOf(text: string): string {
  return Buffer.from(text).toString('hex')
}
