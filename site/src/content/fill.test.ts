import { expect, test } from 'vitest'
import { readConfiguration } from '../configuration.ts'
import { fill } from './fill.ts'

test('the base URL is the configured one', () => {
  const configuration = readConfiguration({ PUBLIC_URL: 'https://thesmartoken.com' })
  expect(fill('<code>{{baseUrl}}</code>', configuration)).toBe(
    '<code>https://thesmartoken.com/v1</code>',
  )
})

test.each([
  ['', 'No payment channel is enabled here at the moment.'],
  ['stripe', 'Enabled here: Stripe.'],
  ['crypto,wechat_pay,alipay', 'Enabled here: Alipay, WeChat Pay, and crypto deposits.'],
])('with the channels "%s" it says: %s', (names, sentence) => {
  const configuration = readConfiguration({ PAYMENT_CHANNELS: names })
  expect(fill('{{paymentChannels}}', configuration)).toBe(sentence)
})

test('a misspelt name stops the build and is told with the right ones', () => {
  expect(() => fill('{{baseURL}}', readConfiguration({}))).toThrow(/"baseURL".*baseUrl/)
})
