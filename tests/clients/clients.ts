import type { Client, Connection } from './client.ts'
import { langchainClient } from './langchain.ts'
import { openaiClient } from './openai.ts'
import { vercelClient } from './vercel-ai.ts'

/** Every official client the gateway is held to. */
export const clients: readonly (readonly [string, (to: Connection) => Client])[] = [
  ['openai', openaiClient],
  ['ai', vercelClient],
  ['@langchain/openai', langchainClient],
]

/** Where and as whom a gateway's account connects. */
export const connectionTo = (
  gateway: { url: string },
  account: { secret: string },
): Connection => ({
  baseURL: `${gateway.url}/v1`,
  apiKey: account.secret,
})
