import { expect, test } from 'vitest'
import { readConfiguration } from './configuration.ts'

test('without variables the site is local and no payment channel is open', () => {
  expect(readConfiguration({})).toEqual({
    publicUrl: 'http://127.0.0.1:3000',
    baseUrl: 'http://127.0.0.1:3000/v1',
    paymentChannels: [],
  })
})

test('a slash at the end of the origin does not count', () => {
  expect(readConfiguration({ PUBLIC_URL: 'https://thesmartoken.com/' }).baseUrl).toBe(
    'https://thesmartoken.com/v1',
  )
})

test('channels are told in one order, once each', () => {
  const { paymentChannels } = readConfiguration({ PAYMENT_CHANNELS: ' stripe, alipay ,stripe,' })
  expect(paymentChannels).toEqual(['alipay', 'stripe'])
})

test.each([
  ['PUBLIC_URL', 'thesmartoken.com'],
  ['PUBLIC_URL', 'ftp://thesmartoken.com'],
  ['PUBLIC_URL', 'https://thesmartoken.com/shop'],
  ['PUBLIC_URL', 'https://user@thesmartoken.com'],
  ['PAYMENT_CHANNELS', 'alipay,paypal'],
])('%s=%s is refused by name', (name, value) => {
  expect(() => readConfiguration({ [name]: value })).toThrow(name)
})
