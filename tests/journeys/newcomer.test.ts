import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import OpenAI from 'openai'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { findModel, loadCatalog } from '@smartoken/prisma/catalog'
import { createPool } from '@smartoken/prisma/database'
import { databaseUrlNote } from '@smartoken/prisma/database-url'
import { PROMPT } from '../support/canary/canaries.ts'
import { refuse } from '../support/canary/findings.ts'
import { findInDatabase } from '../support/canary/scan-database.ts'
import { launchChromium } from '../support/chromium.ts'
import { freePort, spawnStart, type Started } from '../support/started.ts'

let folder: string
let url: string
let started: Started
let browser: Browser
let page: Page
let key: string

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'smartoken-newcomer-'))
  const port = await freePort()
  url = `http://127.0.0.1:${port}`
  started = spawnStart({
    PORT: String(port),
    DATA_FOLDER: join(folder, 'data'),
    PUBLIC_URL: url,
    LOG_LEVEL: 'debug',
  })
  browser = await launchChromium()
  await started.ready()
  page = await browser.newPage()
}, 180_000)

afterAll(async () => {
  await browser.close()
  await storesNoSecret()
  await started.stop()
  rmSync(folder, { recursive: true, force: true })
})

/** What the newcomer said, and the keys created, are in no table. */
async function storesNoSecret(): Promise<void> {
  const databaseUrl = readFileSync(databaseUrlNote(join(folder, 'data')), 'utf8')
  const pool = createPool(databaseUrl, {
    max: 1,
    applicationName: 'test',
    statementTimeoutMs: 10_000,
  })
  refuse(await findInDatabase(pool))
  await pool.end()
}

const openai = () => new OpenAI({ baseURL: `${url}/v1`, apiKey: key, maxRetries: 0 })

/** The available balance as the console shows it, exact. */
async function balance(): Promise<bigint> {
  await page.reload()
  const text = await page
    .getByRole('region', { name: 'Balance' })
    .getByRole('definition')
    .first()
    .innerText()
  const [whole, fraction = ''] = /([\d,]+)\.(\d+)/.exec(text)!.slice(1)
  return BigInt(whole!.replaceAll(',', '') + fraction.padEnd(9, '0'))
}

/** Σ tokens × the dollars per million of the catalog's row the answer names, rounded up to a nano-dollar. */
function catalogPrice(answer: Response, tokens: { input: number; output: number }): bigint {
  const { model } = findModel(loadCatalog(), 'deepseek-chat')!
  const price = model.prices.find(({ id }) => id === answer.headers.get('x-smartoken-price'))!
  const { rates } = price.tiers[0]!
  return (BigInt(tokens.input) * rates.input + BigInt(tokens.output) * rates.output + 999n) / 1_000n
}

test('a newcomer signs in at the identity provider and is back in the console', async () => {
  await page.goto(`${url}/console`)
  await page.getByRole('link', { name: 'Sign in' }).click()
  await page.getByRole('textbox').fill('demo')
  await page.getByRole('button', { name: /sign in/i }).click()
  await page.getByRole('heading', { name: 'Balance' }).waitFor()
  expect(new URL(page.url()).pathname).toBe('/console')
  expect(await balance()).toBe(10_000_000_000n)
})

test('creates a key, whose secret is shown once', async () => {
  await page.getByRole('textbox', { name: 'Key name' }).fill('first')
  await page.getByRole('button', { name: 'Create key' }).click()
  const dialog = page.getByRole('dialog')
  key = /sk-st-\w{38}/.exec(await dialog.innerText())![0]
  await dialog.getByRole('button', { name: /done|saved|close/i }).click()
  await page.reload()
  await page.getByRole('table', { name: 'API keys' }).waitFor()
  expect(await page.content()).not.toContain(key)
})

test('calls with the official SDK and pays the catalog’s price of the usage reported', async () => {
  const before = await balance()
  const { data, response } = await openai()
    .chat.completions.create({
      model: 'deepseek-chat',
      messages: [{ role: 'user', content: `Hello ${PROMPT}` }],
    })
    .withResponse()
  expect(data.choices[0]!.message.content).toContain('Hello')
  const { prompt_tokens: input, completion_tokens: output } = data.usage!
  expect(before - (await balance())).toBe(catalogPrice(response, { input, output }))
  await page
    .getByRole('table', { name: 'Requests' })
    .getByText(response.headers.get('x-request-id')!)
    .waitFor()
})

test('streams with the official SDK: the text comes in the pieces the upstream sends, and is charged', async () => {
  const before = await balance()
  const { data: stream, response } = await openai()
    .chat.completions.create({
      model: 'deepseek-chat',
      stream: true,
      stream_options: { include_usage: true },
      messages: [
        { role: 'user', content: 'sandbox {"text": "一二三四五", "pieces": 5, "delay_ms": 30}' },
      ],
    })
    .withResponse()
  const pieces: string[] = []
  let usage: OpenAI.CompletionUsage | null | undefined
  for await (const chunk of stream) {
    const text = chunk.choices[0]?.delta.content
    if (text) pieces.push(text)
    usage = chunk.usage ?? usage
  }
  expect(pieces).toEqual(['一', '二', '三', '四', '五'])
  expect(before - (await balance())).toBe(
    catalogPrice(response, { input: usage!.prompt_tokens, output: usage!.completion_tokens }),
  )
  await page
    .getByRole('table', { name: 'Requests' })
    .getByText(response.headers.get('x-request-id')!)
    .waitFor()
})

test('revokes the key, and the next call is 401', async () => {
  await page
    .getByRole('row', { name: /first/ })
    .getByRole('button', { name: /revoke/i })
    .click()
  await page
    .getByRole('dialog')
    .getByRole('button', { name: /revoke/i })
    .click()
  await page.getByRole('row', { name: /first.*revoked/i }).waitFor()
  await expect(
    openai().chat.completions.create({
      model: 'deepseek-chat',
      messages: [{ role: 'user', content: 'Hello' }],
    }),
  ).rejects.toMatchObject({ status: 401, code: 'invalid_api_key' })
})
