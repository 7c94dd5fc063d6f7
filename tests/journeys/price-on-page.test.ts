import { loadCatalog, quote, type Catalog, type Model } from '@smartoken/prisma/catalog'
import { credit } from '@smartoken/prisma/ledger'
import { usd } from '@smartoken/prisma/money'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startGateway, type TestGateway } from '../support/gateway.ts'
import { builtSite, type BuiltSite } from '../site/built-site.ts'

const HOUR_MS = 3_600_000
const TWO_WEEKS_OF_HOURS = 14 * 24

/** A line of a model page's price table: one window and tier, with a decimal price for each token class. */
interface PageLine {
  readonly price: string
  readonly window: string
  readonly tier: string
  readonly rates: Readonly<Record<string, string>>
}

const catalog: Catalog = loadCatalog()
let gateway: TestGateway
let site: BuiltSite

beforeAll(async () => {
  site = await builtSite()
  gateway = await startGateway()
  await credit(gateway.database, [
    {
      ref: 'deep pockets',
      kind: 'top_up',
      source: 'cash_in:test',
      accountId: gateway.accountId,
      amount: usd('100000'),
      withdrawable: true,
    },
  ])
}, 120_000)

afterAll(async () => {
  await gateway.close()
  site.remove()
})

test.each(catalog.models.filter((model) => model.sold).map((model) => [model.id, model] as const))(
  'what the page of %s says is what a request is charged, in every window, tier and token class',
  async (_id, model) => {
    const lines = linesOnPage(model)
    expect(lines.length).toBeGreaterThan(0)
    for (const line of lines) {
      await setClock(instantIn(model, line.price))
      for (const thinking of [false, true]) {
        const usage = usageIn(line, lines, thinking)
        expect(await chargeOf(model, usage)).toEqual({
          price_id: line.price,
          charge: expectedCharge(line, usage),
        })
      }
    }
  },
)

function linesOnPage(model: Model): PageLine[] {
  const { document } = site.pages.get(`/models/${model.id}`)!
  const rows = document.querySelectorAll('table[data-prices="current"] tr')
  return rows.flatMap((row) => {
    const cells = row.querySelectorAll('td[data-class]')
    if (!cells[0]) return []
    const rates = cells.flatMap((cell) =>
      cell
        .getAttribute('data-class')!
        .split(' ')
        .map((name) => [name, cell.querySelector('data')!.getAttribute('value')!] as const),
    )
    return [
      {
        price: cells[0].getAttribute('data-price')!,
        window: cells[0].getAttribute('data-window')!,
        tier: cells[0].getAttribute('data-tier')!,
        rates: Object.fromEntries(rates),
      },
    ]
  })
}

/** An instant, from now on, at which requests are admitted by this price row. */
function instantIn(model: Model, priceId: string): Date {
  const now = Date.now()
  for (let hour = 0; hour < TWO_WEEKS_OF_HOURS; hour += 1) {
    const at = new Date(now + hour * HOUR_MS)
    if (quote(catalog, model, at).price.id === priceId) return at
  }
  throw new Error(`${priceId} is in force at no hour of the next two weeks`)
}

/** The ledger has one clock; this database's shows what we say. */
const setClock = (at: Date) =>
  gateway.database.query(
    `create or replace function ledger_clock() returns timestamptz language sql volatile as
     $$ select '${at.toISOString()}'::timestamptz $$`,
  )

interface ReportedClasses {
  readonly input: number
  readonly cachedInput: number
  readonly cacheWrite: number
  readonly output: number
  readonly thinkingOutput: number
}

/** Usage whose prompt falls in the line's tier, with a different prime number of tokens in each class. */
function usageIn(line: PageLine, lines: readonly PageLine[], thinking: boolean): ReportedClasses {
  const shorter = lines
    .filter(
      (other) => other.window === line.window && other.tier !== 'open' && other.tier !== line.tier,
    )
    .map((other) => Number(other.tier))
    .filter((tier) => line.tier === 'open' || tier < Number(line.tier))
  const above = Math.max(0, ...shorter)
  return {
    input: above + 101,
    cachedInput: 53,
    cacheWrite: 31,
    output: thinking ? 0 : 97,
    thinkingOutput: thinking ? 97 : 0,
  }
}

async function chargeOf(model: Model, usage: ReportedClasses) {
  const { input, cachedInput, cacheWrite, output, thinkingOutput } = usage
  const directive = {
    text: 'ok',
    usage: {
      prompt_tokens: input + cachedInput + cacheWrite,
      completion_tokens: output + thinkingOutput,
      prompt_tokens_details: {
        cached_tokens: cachedInput,
        cache_creation_input_tokens: cacheWrite,
      },
      completion_tokens_details: { reasoning_tokens: thinkingOutput > 0 ? 40 : 0 },
    },
  }
  const response = await fetch(`${gateway.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${gateway.secret}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      model: model.id,
      max_tokens: 200,
      messages: [
        // As long as the usage says it is, or the usage would not be believed.
        { role: 'system', content: '长'.repeat(Math.ceil(input / 3)) },
        { role: 'user', content: `sandbox ${JSON.stringify(directive)}` },
      ],
    }),
  })
  expect(await response.text()).toContain('chat.completion')
  const row = await gateway.requestRow(response.headers.get('x-request-id')!)
  return { price_id: row['price_id'], charge: row.charge }
}

/** Σ tokens × the page's dollars per million, rounded up to a nano-dollar; by hand, from the page's text alone. */
function expectedCharge(line: PageLine, usage: ReportedClasses): bigint {
  let pico = 0n
  for (const [name, tokens] of Object.entries(usage)) {
    const [whole, fraction = ''] = line.rates[name]!.split('.')
    pico += BigInt(tokens) * BigInt(whole! + fraction.padEnd(6, '0'))
  }
  return (pico + 999n) / 1_000n
}
