import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { countedVersions, outcomes, tokensPerKilobyte } from '@smartoken/prisma/bill'
import {
  families,
  loadCatalog,
  pricesComing,
  pricesLiveAt,
  type Model,
  type PriceRow,
  type Rates,
} from '@smartoken/prisma/catalog'
import { formatRate, formatUsd, nanoUsd, usd } from '@smartoken/prisma/money'
import { HtmlValidate } from 'html-validate'
import { parse } from 'node-html-parser'
import robots from 'robots-parser'
import { afterAll, describe, expect, test } from 'vitest'
import { errorCatalog } from '../../gateway/src/errors.ts'
import { someReceipts } from '../../prisma/bill/receipt.fixture.ts'
import { builtSite, ORIGIN, type BuiltPage } from './built-site.ts'

const REPOSITORY = join(import.meta.dirname, '..', '..')

/** The package is CommonJS, while its types say it has a default export. */
const robotsParser = robots as unknown as typeof robots.default

const site = await builtSite()
afterAll(() => site.remove())

const sold = loadCatalog().models.filter((model) => model.sold)
const isPublic = ({ path }: BuiltPage) => path !== '/404' && path !== '/console'
const everyPage = [...site.pages.values()]
const publicPages = everyPage.filter(isPublic)
const get = (path: string): BuiltPage => {
  const page = site.pages.get(path)
  if (!page) throw new Error(`No page was built for ${path}`)
  return page
}
const addressOf = (path: string) => new URL(path, ORIGIN).href

test('there is a page for every model on sale and for every subject', () => {
  const models = sold.map(({ id }) => `/models/${id}`)
  const subjects = [
    '/',
    '/docs',
    '/docs/billing',
    '/docs/quickstart',
    '/faq',
    '/models',
    '/pricing',
  ]
  expect(ordered(publicPages.map(({ path }) => [path]))).toEqual(
    ordered([...subjects, ...models].map((path) => [path])),
  )
  expect(everyPage.map(({ path }) => path)).toContain('/404')
})

describe.each(everyPage)('$path', (page) => {
  test('is valid HTML', async () => {
    const report = await new HtmlValidate({
      extends: ['html-validate:recommended'],
    }).validateString(page.html, page.path)
    expect(report.results.flatMap(({ messages }) => messages)).toEqual([])
  })

  test('links only to what exists', () => {
    const broken = page.document
      .querySelectorAll('a[href]')
      .map((link) => new URL(link.getAttribute('href') ?? '', addressOf(page.path)))
      .filter((address) => address.origin === ORIGIN && !resolves(address))
    expect(broken.map(String)).toEqual([])
  })

  test('keeps a space between a word and a link beside it', () => {
    const text = page.html.replaceAll(/<(pre|script|svg|title)\b.*?<\/\1>/gs, '')
    expect(text.match(/[\w.,:;)](<a|<time|<span class="soft")[ >].{0,40}/g) ?? []).toEqual([])
    expect(text.match(/.{0,40}<\/(a|time)>\w.{0,20}/g) ?? []).toEqual([])
  })
})

describe.each(publicPages)('$path', ({ path, document, html }) => {
  const texts = (selector: string) => document.querySelectorAll(selector).map(({ text }) => text)
  const attributes = (selector: string, name: string) =>
    document.querySelectorAll(selector).map((element) => element.getAttribute(name))

  test('has one title, one heading, one description and its own canonical address', () => {
    expect(texts('head > title')).toHaveLength(1)
    expect(texts('h1')).toHaveLength(1)
    expect(attributes('meta[name=description]', 'content')).toHaveLength(1)
    expect(attributes('link[rel=canonical]', 'href')).toEqual([addressOf(path)])
    expect(attributes('meta[name=robots]', 'content')).toEqual([])
  })

  test('runs no script and has no inline style', () => {
    expect(attributes('script', 'type').filter((type) => type !== 'application/ld+json')).toEqual(
      [],
    )
    expect(html).not.toMatch(/\sstyle=|<style|\son\w+=|javascript:/)
  })

  test('says in JSON-LD where it stands', () => {
    const [data, ...more] = texts('script[type="application/ld+json"]').map(
      (text) =>
        JSON.parse(text) as {
          '@type': string
          url?: string
          itemListElement?: { item: string }[]
        },
    )
    expect(more).toEqual([])
    expect(data?.['@type']).toBe(path === '/' ? 'WebSite' : 'BreadcrumbList')
    expect(data?.url ?? data?.itemListElement?.at(-1)?.item).toBe(addressOf(path))
  })
})

test.each(everyPage.filter((page) => !isPublic(page)))('$path asks not to be listed', (page) => {
  const robots = page.document.querySelectorAll('meta[name=robots]')
  expect(robots.map((tag) => tag.getAttribute('content'))).toEqual(['noindex'])
})

test.each(['title', 'meta[name=description]'])('no two pages share a %s', (selector) => {
  const said = publicPages.map(({ document }) => {
    const element = document.querySelector(selector)
    return element?.getAttribute('content') ?? element?.text
  })
  expect(new Set(said).size).toBe(said.length)
})

describe('the sitemap', () => {
  const map = site.read('sitemap-0.xml')
  const entries = [...map.matchAll(/<loc>([^<]+)<\/loc><lastmod>([^<]+)<\/lastmod>/g)].map(
    ([, address, date]) => [address, date?.slice(0, 10)] as const,
  )

  test('lists exactly the public pages', () => {
    expect(ordered(entries.map(([address]) => [address]))).toEqual(
      ordered(publicPages.map(({ path }) => [addressOf(path)])),
    )
    expect(map.match(/<url>/g)).toHaveLength(entries.length)
    expect(site.read('sitemap-index.xml')).toContain(`<loc>${ORIGIN}/sitemap-0.xml</loc>`)
  })

  test('dates a model by the last change of its catalog entry', () => {
    const dates = new Map(entries)
    for (const { id, updated } of sold) {
      expect([id, dates.get(addressOf(`/models/${id}`))]).toEqual([id, updated])
    }
  })
})

describe('robots.txt', () => {
  const text = site.read('robots.txt')
  const rules = robotsParser(`${ORIGIN}/robots.txt`, text)

  test('is the one of the repository, as it is', () => {
    expect(text).toBe(readFileSync(join(REPOSITORY, 'robots.txt'), 'utf8'))
  })

  test('names the sitemap', () => {
    expect(rules.getSitemaps()).toEqual([`${ORIGIN}/sitemap-index.xml`])
  })

  const blocked = `
    /v1 /v1?x=1 /v1/ /v1/models /v1/chat/completions
    /console /console?next=/ /console/ /console/keys
    /support /support/ /support/tickets/1
    /graphql /graphql?query=%7Bme%7D /graphql/stream
    /auth/google /auth/callback?code=1 /webhooks/stripe
  `
  test.each(words(blocked))('blocks %s', (path) =>
    expect(rules.isAllowed(addressOf(path), 'Googlebot')).toBe(false),
  )

  const open = `
    /consoles /v1-migration /supported-models /authors /graphql-guide
    /_astro/page.css /favicon.svg /sitemap-index.xml
  `
  test.each([...publicPages.map(({ path }) => path), ...words(open)])('allows %s', (path) =>
    expect(rules.isAllowed(addressOf(path), 'Googlebot')).toBe(true),
  )
})

test('the FAQ page has every question of its content, under its group, with an answer', () => {
  const folder = join(REPOSITORY, 'site', 'src', 'content', 'faq')
  const files = readdirSync(folder).filter((name) => name.endsWith('.md'))
  const groups = files.toSorted().map((file) => {
    const content = readFileSync(join(folder, file), 'utf8')
    const title = /^title: (.+)$/m.exec(content)?.[1]
    return [title, ...[...content.matchAll(/^### (.+)$/gm)].map(([, question]) => question)]
  })
  expect(groups.map(({ length }) => length - 1)).toEqual([4, 5, 5, 5, 4])

  const shown = get('/faq').document.querySelectorAll('.faq-group')
  expect(shown.map((group) => group.querySelectorAll('h2, h3').map(({ text }) => text))).toEqual(
    groups,
  )
  const unanswered = get('/faq')
    .document.querySelectorAll('h3')
    .filter(({ nextElementSibling }) => (nextElementSibling?.text.length ?? 0) < 60)
  expect(unanswered.map(({ text }) => text)).toEqual([])
})

test('the FAQ and the samples name the base URL of this site', () => {
  const naming = everyPage.filter(({ document }) =>
    document.querySelector('main')?.text.includes(`${ORIGIN}/v1`),
  )
  const due = ['/', '/faq', '/docs/quickstart', ...sold.map(({ id }) => `/models/${id}`)]
  expect(naming.map(({ path }) => path)).toEqual(expect.arrayContaining(due))
  expect(everyPage.filter(({ html }) => /\{\{|127\.0\.0\.1/.test(html))).toEqual([])
})

test('the quickstart tells errors as the gateway gives them', () => {
  const rows = get('/docs/quickstart').document.querySelectorAll('tbody tr')
  expect(rows.length).toBeGreaterThan(8)
  const catalog: Readonly<Record<string, readonly [number, string, string]>> = errorCatalog
  for (const row of rows) {
    const [status, code] = row.querySelectorAll('td').map(({ text }) => text)
    expect([code, String(catalog[code ?? '']?.[0])]).toEqual([code, status])
  }
})

describe('the page on billing', () => {
  const { document } = get('/docs/billing')
  const [outcomeTable, countedTable] = document.querySelectorAll('table')
  const rowsOf = (table = outcomeTable) =>
    table!
      .querySelectorAll('tbody tr')
      .map((row) => row.querySelectorAll('th, td').map(({ text }) => text))

  test('has every outcome, in the words the bill works by', () => {
    const expected = Object.entries(outcomes).map(([outcome, { when, billed, upstream }]) => [
      `${outcome} ${when}`,
      billed,
      upstream,
    ])
    expect(rowsOf()).toEqual(expected)
  })

  test('has every published figure, of every version', () => {
    const expected = families.map((family) => [
      expect.stringMatching(new RegExp(`^${family}$`, 'i')),
      ...countedVersions.map((version) => String(tokensPerKilobyte(version, family))),
    ])
    expect(rowsOf(countedTable)).toEqual(expected)
  })

  test('has a program that works out what any receipt says is due', () => {
    // The parser takes what is in a <pre> for text.
    const program = parse(document.querySelectorAll('pre').at(-1)!.innerHTML).text
    const folder = mkdtempSync(join(tmpdir(), 'smartoken-docs-'))
    try {
      writeFileSync(join(folder, 'due.mjs'), program)
      for (const receipt of someReceipts(10)) {
        writeFileSync(join(folder, 'receipt.json'), JSON.stringify(receipt))
        const printed = execFileSync(process.execPath, ['due.mjs', 'receipt.json'], { cwd: folder })
        const due = nanoUsd(BigInt(printed.toString()))
        const held = usd(receipt.hold.amount_usd)
        const capped = receipt.outcome === 'money_limit' && due > held ? held : due
        expect(formatUsd(capped)).toBe(receipt.settle.due_usd)
      }
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})

describe.each(sold)('the page of $id', (model) => {
  const { document } = get(`/models/${model.id}`)
  const asOf = new Date(document.querySelector('time[datetime*=T]')?.getAttribute('datetime') ?? '')

  test('has the price of every class in every condition, and no other', () => {
    const rows = [...pricesLiveAt(model, asOf), ...pricesComing(model, asOf)]
    expect(rows.length).toBeGreaterThan(0)
    expect(ordered(pricesOn(document))).toEqual(ordered(rows.flatMap(pricesOf)))
  })

  test('tells what is current from what is to come', () => {
    const states = (state: string) =>
      document
        .querySelectorAll(`table[data-prices=${state}] td`)
        .map((cell) => cell.getAttribute('data-price'))
    expect(new Set(states('current'))).toEqual(idsOf(pricesLiveAt(model, asOf)))
    expect(new Set(states('coming'))).toEqual(idsOf(pricesComing(model, asOf)))
  })

  test('has its id, limits, aliases, routes and the digest of the catalog', () => {
    expect(document.querySelector('[data-model-id]')?.text).toBe(model.id)
    for (const fact of factsOf(model)) expect(document.text).toContain(fact)
    expect(document.querySelector('[data-catalog]')?.getAttribute('data-catalog')).toBe(
      loadCatalog().digest,
    )
  })

  test('leads to the rest of its family', () => {
    const related = sold.filter(({ family, id }) => family === model.family && id !== model.id)
    const links = document
      .querySelectorAll('main a[href^="/models/"]')
      .map((link) => link.getAttribute('href'))
    expect(links).toEqual(expect.arrayContaining(related.map(({ id }) => `/models/${id}`)))
  })
})

test('the list of models has each one with id and context', () => {
  const lines = get('/models').document.querySelectorAll('tbody tr')
  expect(lines.map((line) => line.querySelector('code')?.text)).toEqual(sold.map(({ id }) => id))
})

test.each(sold)('the pricing page has every rate of $id', (model) => {
  const shown = get('/pricing')
    .document.querySelectorAll(`td[data-model="${model.id}"]`)
    .map((cell) => [
      cell.getAttribute('data-class'),
      cell.querySelector('data')?.getAttribute('value'),
    ])
  const now = new Date()
  const due = [...pricesLiveAt(model, now), ...pricesComing(model, now)]
    .flatMap(pricesOf)
    .map(([, , , name, rate]) => [name, rate])
  expect(ordered(shown)).toEqual(ordered(due))
})

const words = (text: string): string[] => text.trim().split(/\s+/)

/** Lists of fields as lines, in one order. */
function ordered(rows: readonly (readonly (string | undefined)[])[]): string[] {
  return rows.map((fields) => fields.join(' ')).toSorted((left, right) => left.localeCompare(right))
}

function resolves({ pathname, hash }: URL): boolean {
  const page = site.pages.get(decodeURI(pathname))
  if (!page) return site.has(pathname.slice(1))
  return hash === '' || page.document.querySelector(`[id="${hash.slice(1)}"]`) !== null
}

/** `[row id, window, tier, class, rate]` of every cell of our own price tables. */
function pricesOn(document: BuiltPage['document']): string[][] {
  return document.querySelectorAll('table[data-prices] td').flatMap((cell) => {
    const value = (name: string) => cell.getAttribute(`data-${name}`) ?? ''
    const data = cell.querySelector('data')
    const rate = data?.getAttribute('value') ?? ''
    expect(data?.text).toBe(`$${rate}`)
    return value('class')
      .split(' ')
      .map((name) => [value('price'), value('window'), value('tier'), name, rate])
  })
}

function pricesOf({ id, window, tiers }: PriceRow): string[][] {
  return tiers.flatMap(({ upTo, rates }) =>
    (Object.keys(rates) as (keyof Rates)[]).map((name) => [
      id,
      window ?? 'none',
      String(upTo ?? 'open'),
      name,
      formatRate(rates[name]),
    ]),
  )
}

const idsOf = (rows: readonly PriceRow[]) => new Set(rows.map(({ id }) => id))

function factsOf(model: Model): string[] {
  return [
    ...[model.context, model.maxOutput, model.defaultOutput].map(
      (limit) => `${limit.toLocaleString('en')} tokens`,
    ),
    ...model.aliases.flatMap(({ id, note }) => (note === undefined ? [id] : [id, note])),
    ...model.routes.map(({ upstreamModel }) => upstreamModel),
    ...model.history.map(({ text }) => text),
  ]
}
