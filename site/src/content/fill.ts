import type { Channel, Configuration } from '../configuration.ts'
import { countedTable, outcomeTable } from './billing-tables.ts'

const names: Readonly<Record<Channel, string>> = {
  alipay: 'Alipay',
  wechat_pay: 'WeChat Pay',
  stripe: 'Stripe',
  crypto: 'crypto deposits',
}

/**
 * Puts the operator's facts into rendered Markdown, where it says `{{name}}`; a name that is a paragraph of its own
 * gives way to a table of that name.
 * @throws Error on a name that does not exist
 */
export function fill(html: string, configuration: Configuration): string {
  const facts = factsOf(configuration)
  const withTables = html.replaceAll(
    /<p>\{\{(\w+)\}\}<\/p>/g,
    (paragraph, name: string) => tables.get(name)?.() ?? paragraph,
  )
  return withTables.replaceAll(/\{\{(\w+)\}\}/g, (_placeholder, name: string) => {
    const fact = facts.get(name)
    if (fact === undefined) {
      const known = [...facts.keys()].join(', ')
      throw new Error(`No fact is called "${name}" in {{${name}}}; there are: ${known}`)
    }
    return fact
  })
}

const tables = new Map([
  ['outcomeTable', outcomeTable],
  ['countedTable', countedTable],
])

function factsOf({ publicUrl, baseUrl, paymentChannels }: Configuration): Map<string, string> {
  return new Map([
    ['publicUrl', publicUrl],
    ['baseUrl', baseUrl],
    ['paymentChannels', paymentSentence(paymentChannels)],
  ])
}

function paymentSentence(enabled: readonly Channel[]): string {
  return enabled.length === 0
    ? 'No payment channel is enabled here at the moment.'
    : `Enabled here: ${new Intl.ListFormat('en').format(enabled.map((channel) => names[channel]))}.`
}
