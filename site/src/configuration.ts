import { z } from 'zod'

/** The ways to pay the software has; which of them are open is the operator's choice. */
export const channels = ['alipay', 'wechat_pay', 'stripe', 'crypto'] as const
export type Channel = (typeof channels)[number]

const origin = z
  .url({ protocol: /^https?$/, error: 'must be an http or https address' })
  .pipe(
    z.string().refine((text) => new URL(text).href === `${new URL(text).origin}/`, {
      error: 'must be an origin such as https://thesmartoken.com, without a path',
    }),
  )
  .transform((text) => new URL(text).origin)

const list = z
  .string()
  .transform((text) => text.split(',').map((name) => name.trim()))
  .transform((names) => names.filter((name) => name !== ''))
  .pipe(z.array(z.enum(channels)))

const environment = z.object({
  PUBLIC_URL: origin.default('http://127.0.0.1:3000'),
  PAYMENT_CHANNELS: list.default([]),
})

/** What the site prints that is not in its sources. */
export interface Configuration {
  /** The one public origin, without a slash at the end. */
  readonly publicUrl: string
  /** What SDKs take as their base URL. */
  readonly baseUrl: string
  readonly paymentChannels: readonly Channel[]
}

/** Reads `PUBLIC_URL` and `PAYMENT_CHANNELS` (comma-separated). @throws Error naming every variable that is wrong. */
export function readConfiguration(
  env: Readonly<Record<string, string | undefined>>,
): Configuration {
  const parsed = environment.safeParse(env)
  if (!parsed.success) {
    const problems = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`)
    throw new Error(`The site's configuration is wrong. ${problems.join('; ')}`)
  }
  const { PUBLIC_URL, PAYMENT_CHANNELS } = parsed.data
  return {
    publicUrl: PUBLIC_URL,
    baseUrl: `${PUBLIC_URL}/v1`,
    paymentChannels: channels.filter((channel) => PAYMENT_CHANNELS.includes(channel)),
  }
}

export const configuration = readConfiguration(process.env)
