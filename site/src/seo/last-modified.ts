import { readdir, readFile } from 'node:fs/promises'
import { loadCatalog } from '@smartoken/prisma/catalog'

const CONTENT = new URL('../content/', import.meta.url)

/** The day the text of the home page and the lists last changed, but for what the catalog says. */
const PAGES_UPDATED = '2026-11-23'

/**
 * When a public page last changed in what it says, as an ISO day: a model's from its catalog entry,
 * a text's from its front matter, never the day of the build.
 */
export async function lastModified(): Promise<(path: string) => string> {
  const models = loadCatalog().models.filter(({ sold }) => sold)
  const updated = new Map(models.map((model) => [`/models/${model.id}`, model.updated]))
  const faq = await datesIn('faq/')
  const docs = await datesIn('docs/')
  const lists = latest([PAGES_UPDATED, ...updated.values()])

  updated.set('/faq', latest([...faq.values()]))
  for (const [name, date] of docs) updated.set(`/docs/${name}`, date)
  return (path) => updated.get(path) ?? lists
}

async function datesIn(folder: string): Promise<Map<string, string>> {
  const files = await readdir(new URL(folder, CONTENT))
  const dates = files
    .filter((file) => file.endsWith('.md'))
    .map(async (file) => {
      const text = await readFile(new URL(folder + file, CONTENT), 'utf8')
      return [file.replace(/\.md$/, ''), updatedIn(file, text)] as const
    })
  return new Map(await Promise.all(dates))
}

/** @throws Error where the front matter has no day */
function updatedIn(file: string, text: string): string {
  const day = /^updated: '(\d{4}-\d{2}-\d{2})'$/m.exec(text)?.[1]
  if (day === undefined) throw new Error(`${file} needs a line such as updated: '2026-11-23'`)
  return day
}

function latest(days: readonly string[]): string {
  return days.toSorted().at(-1) ?? PAGES_UPDATED
}
