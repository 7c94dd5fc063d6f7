import { createHash } from 'node:crypto'
import { assert, nat, pre, property, string } from 'fast-check'
import { expect, test } from 'vitest'
import { hashSecret, isWellFormed, newSecret, secretFromSeed } from './keys.ts'

const PRINTABLE = Array.from({ length: 95 }, (_, at) => String.fromCharCode(32 + at))

test('a new secret is well formed, and its hash and hint are its own', () => {
  const { secret, hash, hint } = newSecret()
  expect(secret).toMatch(/^sk-st-[0-9A-Za-z]{38}$/)
  expect(isWellFormed(secret)).toBe(true)
  expect(hash).toEqual(createHash('sha256').update(secret).digest())
  expect(hash).toEqual(hashSecret(secret))
  expect(hint).toBe(`sk-st-…${secret.slice(-4)}`)
})

test('a thousand secrets are a thousand different ones and use the whole alphabet', () => {
  const secrets = Array.from({ length: 1000 }, () => newSecret().secret)
  expect(new Set(secrets).size).toBe(1000)
  const used = new Set(secrets.map((secret) => secret.slice(6)).join(''))
  expect(used.size).toBe(62)
})

test('the same seed makes the same secret, and another seed another', () => {
  expect(secretFromSeed('here')).toEqual(secretFromSeed('here'))
  expect(secretFromSeed('here').secret).not.toBe(secretFromSeed('there').secret)
  expect(isWellFormed(secretFromSeed('here').secret)).toBe(true)
})

test('any one character changed, left out or added is refused', () => {
  const { secret } = newSecret()
  for (let at = 0; at < secret.length; at += 1) {
    const [before, after] = [secret.slice(0, at), secret.slice(at + 1)]
    for (const character of PRINTABLE.filter((other) => other !== secret[at])) {
      expect(isWellFormed(before + character + after)).toBe(false)
    }
    expect(isWellFormed(before + after)).toBe(false)
    expect(isWellFormed(`${before}A${secret.slice(at)}`)).toBe(false)
  }
})

test('two neighbours exchanged are refused, for any secret', () => {
  assert(
    property(string(), nat(36), (seed, offset) => {
      const { secret } = secretFromSeed(seed)
      const at = 6 + offset
      pre(secret[at] !== secret[at + 1])
      const slip = `${secret.slice(0, at)}${secret[at + 1]}${secret[at]}${secret.slice(at + 2)}`
      expect(isWellFormed(slip)).toBe(false)
    }),
  )
})

test.each([
  ['nothing', ''],
  ['the prefix alone', 'sk-st-'],
  ['another company’s key', `sk-${'a'.repeat(48)}`],
  ['a line break at the end', `${newSecret().secret}\n`],
  ['a space in front', ` ${newSecret().secret}`],
  ['a very long text', `sk-st-${'A'.repeat(100_000)}`],
])('%s is refused', (_name, text) => {
  expect(isWellFormed(text)).toBe(false)
})
