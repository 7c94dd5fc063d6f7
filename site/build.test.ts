import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'

const SITE = import.meta.dirname
const TIMEOUT_MS = 60_000

/** A copy of the site to edit and break; under ours, so that it finds the same packages. */
let site: string
let repository: string

beforeAll(() => {
  mkdirSync(join(SITE, 'dist'), { recursive: true })
  repository = mkdtempSync(join(SITE, 'dist', 'copy-'))
  site = join(repository, 'site')
  mkdirSync(site)
  for (const name of readdirSync(SITE)) {
    if (['dist', 'node_modules', '.astro'].includes(name)) continue
    cpSync(join(SITE, name), join(site, name), { recursive: true })
  }
  for (const name of ['robots.txt', 'package-lock.json']) {
    cpSync(join(dirname(SITE), name), join(repository, name))
  }
})

afterAll(() => rmSync(repository, { recursive: true, force: true }))

test(
  'the site is built when it is stale, and only then',
  async () => {
    expect(await build()).toMatchObject({ code: 0, said: 'built' })
    expect(read('index.html')).toContain('http://127.0.0.1:3000/v1')
    expect(brotliDecompressSync(bytes('index.html.br')).toString()).toBe(read('index.html'))
    expect(gunzipSync(bytes('index.html.gz')).toString()).toBe(read('index.html'))
    expect(await build()).toMatchObject({ code: 0, said: 'fresh' })

    // Both at once: the address and a text.
    appendFileSync(join(site, 'src/content/faq/1-accounts.md'), '\n### Is this new?\n\nIt is.\n')
    const env = { PUBLIC_URL: 'https://thesmartoken.com', PAYMENT_CHANNELS: 'stripe' }
    expect(await build(env)).toMatchObject({ code: 0, said: 'built' })
    expect(read('faq/index.html')).toMatch(
      /Is this new\?.*thesmartoken\.com\/v1.*Enabled here: Stripe\./s,
    )
    expect(await build(env)).toMatchObject({ code: 0, said: 'fresh' })
  },
  TIMEOUT_MS,
)

test(
  'a build that fails says why and leaves the build before in place',
  async () => {
    const page = join(site, 'src/content/docs/quickstart.md')
    const sound = readFileSync(page, 'utf8')
    const before = readlinkSync(join(site, 'dist/current'))
    writeFileSync(page, sound.replaceAll('{{baseUrl}}', '{{baseURL}}'))

    const { code, errors } = await build()
    expect(code).toBe(1)
    expect(errors).toContain('No fact is called "baseURL"')
    expect(readlinkSync(join(site, 'dist/current'))).toBe(before)
    expect(existsSync(join(site, 'dist/current/index.html'))).toBe(true)
    expect(readdirSync(join(site, 'dist')).toSorted()).toEqual(['builds', 'current'])
    expect(readdirSync(join(site, 'dist/builds'))).toContain(basename(before))
  },
  TIMEOUT_MS,
)

test('a wrong variable stops the build by its name', async () => {
  const { code, errors } = await build({ PAYMENT_CHANNELS: 'paypal' })
  expect(code).toBe(1)
  expect(errors).toContain('PAYMENT_CHANNELS')
})

const bytes = (file: string) => readFileSync(join(site, 'dist/current', file))
const read = (file: string) => bytes(file).toString()

async function build(env: Record<string, string> = {}) {
  const child = spawn(process.execPath, ['build.ts'], {
    cwd: site,
    env: { PATH: process.env.PATH, ...env },
    timeout: TIMEOUT_MS,
  })
  const [output, errors, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close') as Promise<[number | null]>,
  ])
  return { code, errors, said: output.trim().split(' ').at(-1) }
}
