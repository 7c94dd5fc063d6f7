import type { PublishedPrices } from './published-prices.ts'

/** What the shell page knows from its build, and the console cannot ask for. */
export interface ConsoleFacts {
  /** What SDKs take as their base URL. */
  readonly baseUrl: string
  /** The model in sample calls. */
  readonly sampleModel: string
  readonly prices: PublishedPrices
}

/** The id of the element that has them, as JSON. */
export const FACTS_ID = 'console-facts'

/** @throws Error where the page has none */
export function readConsoleFacts(page: Document): ConsoleFacts {
  const text = page.getElementById(FACTS_ID)?.textContent
  if (!text) throw new Error(`The page has no element #${FACTS_ID}`)
  return JSON.parse(text)
}
