import { createHash, randomInt } from 'node:crypto'
import { crc32 } from 'node:zlib'

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const PREFIX = 'sk-st-'
const RANDOM_LENGTH = 32
const CHECK_LENGTH = 6
const SHAPE = new RegExp(`^${PREFIX}[0-9A-Za-z]{${RANDOM_LENGTH + CHECK_LENGTH}}$`)

/** What is stored of a new key, and the secret itself, which is shown once and never stored. */
export interface NewSecret {
  readonly secret: string
  readonly hash: Buffer
  readonly hint: string
}

/** Makes a secret: `sk-st-`, 32 random base62 characters (190 bits) and a 6-character CRC32 check. */
export const newSecret = (): NewSecret =>
  describe(Array.from({ length: RANDOM_LENGTH }, () => ALPHABET[randomInt(62)]).join(''))

/** The same secret for the same seed: the development demo key survives restarts. Never used in production. */
export function secretFromSeed(seed: string): NewSecret {
  const digest = createHash('sha512').update(seed).digest()
  return describe(
    Array.from({ length: RANDOM_LENGTH }, (_, at) => ALPHABET[digest[at]! % 62]).join(''),
  )
}

/** Whether the text is shaped like a key and its check agrees, so a typo is refused without a database query. */
export function isWellFormed(secret: string): boolean {
  if (!SHAPE.test(secret)) return false
  const body = secret.slice(PREFIX.length, -CHECK_LENGTH)
  return secret.endsWith(check(body))
}

/** SHA-256 is enough: a key is 190 random bits, not a password. */
export const hashSecret = (secret: string): Buffer => createHash('sha256').update(secret).digest()

function describe(body: string): NewSecret {
  const secret = `${PREFIX}${body}${check(body)}`
  return { secret, hash: hashSecret(secret), hint: `${PREFIX}…${secret.slice(-4)}` }
}

function check(body: string): string {
  let rest = crc32(`${PREFIX}${body}`)
  let text = ''
  for (let at = 0; at < CHECK_LENGTH; at += 1) {
    text = ALPHABET[rest % 62] + text
    rest = Math.floor(rest / 62)
  }
  return text
}
