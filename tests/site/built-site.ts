import { mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { buildSite } from '@smartoken/site/build'
import { parse, type HTMLElement } from 'node-html-parser'

export const ORIGIN = 'https://thesmartoken.com'

export interface BuiltPage {
  readonly path: string
  readonly html: string
  readonly document: HTMLElement
}

export interface BuiltSite {
  readonly pages: ReadonlyMap<string, BuiltPage>
  /** The text of any other file, by its path from the root. */
  readonly read: (file: string) => string
  readonly has: (file: string) => boolean
  readonly remove: () => void
}

/** Builds the site into a folder of its own, away from what a running server reads. */
export async function builtSite(): Promise<BuiltSite> {
  const folder = mkdtempSync(join(tmpdir(), 'smartoken-site-'))
  await buildSite({ publicUrl: ORIGIN, folder })
  const root = realpathSync(join(folder, 'current'))
  const files = readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
  const pages = files.filter((file) => file.endsWith('.html')).map((file) => pageOf(root, file))
  return {
    pages: new Map(pages.map((page) => [page.path, page])),
    read: (file) => readFileSync(join(root, file), 'utf8'),
    has: (file) => files.includes(file),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

function pageOf(root: string, file: string): BuiltPage {
  const html = readFileSync(join(root, file), 'utf8')
  const path = `/${file.replace(/(^|\/)index\.html$/, '').replace(/\.html$/, '')}`
  return { path, html, document: parse(html) }
}
