import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { dirname, join, relative } from 'node:path'
import sirv from 'sirv'
import { currentIn, DIST_FOLDER } from './dist.ts'
import { securityHeaders } from './security-headers.ts'
import { configuration } from './src/configuration.ts'

export interface SiteOptions {
  /** Where builds are kept; see dist.ts. */
  readonly folder?: string
  /** The origin the site is reached at; decides about HSTS. */
  readonly publicUrl?: string
}

type Listener = (request: IncomingMessage, response: ServerResponse) => void

const UNCHANGING = 'public, max-age=31536000, immutable'
const REVALIDATED = 'public, max-age=0, must-revalidate'

/**
 * Serves the current build, and stays with it: make another listener to serve a later one.
 * @throws Error where there is no build
 */
export function createSiteListener(options: SiteOptions = {}): Listener {
  const { folder = DIST_FOLDER, publicUrl = configuration.publicUrl } = options
  const root = openBuild(folder)
  const pages = pagesIn(root)
  const notFoundPage = readFileSync(join(root, '404.html'))
  const headers = securityHeaders(publicUrl)
  const serveFile = sirv(root, { etag: true, brotli: true, gzip: true, extensions: [] })

  return function site(request, response) {
    for (const [name, value] of headers) response.setHeader(name, value)
    if (request.method !== 'GET' && request.method !== 'HEAD') return refuseMethod(response)

    const { path, query } = parts(request.url ?? '/')
    const moved = movedTo(path, pages)
    if (moved !== undefined) return redirect(response, moved + query)

    // Ranges are of no use for pages, and sirv throws at one that ends before it begins.
    delete request.headers.range
    request.url = fileOf(path, pages)
    for (const [name, value] of cachingOf(path)) response.setHeader(name, value)
    serveFile(request, response, () => {
      response.writeHead(404, {
        'content-type': 'text/html;charset=utf-8',
        'cache-control': REVALIDATED,
        'content-length': notFoundPage.length,
      })
      response.end(notFoundPage)
    })
  }
}

function openBuild(folder: string): string {
  if (!existsSync(currentIn(folder))) {
    throw new Error(`There is no built site in ${folder}. Run \`npm run build\` first.`)
  }
  return realpathSync(currentIn(folder))
}

/** The addresses of all pages: every folder with an index.html. */
function pagesIn(root: string): ReadonlySet<string> {
  const files = readdirSync(root, { recursive: true, withFileTypes: true })
  return new Set(
    files
      .filter(({ name }) => name === 'index.html')
      .map(({ parentPath }) => `/${relative(root, parentPath)}`),
  )
}

/** The path, decoded but for reserved characters, and the query with its question mark. */
function parts(url: string): { path: string; query: string } {
  const [raw = '/'] = url.split('?', 1)
  try {
    return { path: decodeURI(raw), query: url.slice(raw.length) }
  } catch {
    return { path: raw, query: '' }
  }
}

/**
 * Where a second spelling of a page's address leads. Only to pages that exist: a path such as
 * `//elsewhere.example/` must not become a redirect to another host.
 */
function movedTo(path: string, pages: ReadonlySet<string>): string | undefined {
  if (path === '/index.html') return '/'
  const page = path.endsWith('/index.html') ? dirname(path) : path.slice(0, -1)
  return path !== '/' && /\/(?:index\.html)?$/.test(path) && pages.has(page) ? page : undefined
}

/** A page's file, since ids contain dots and look like file names; the console's shell; or the path itself. */
function fileOf(path: string, pages: ReadonlySet<string>): string {
  if (isConsole(path)) return '/console/index.html'
  return encodeURI(pages.has(path) ? join(path, 'index.html') : path)
}

/** The console has one page for all its addresses: a client-side router tells them apart. */
function isConsole(path: string): boolean {
  return path === '/console' || path.startsWith('/console/')
}

function cachingOf(path: string): readonly (readonly [string, string])[] {
  if (isConsole(path)) {
    return [
      ['cache-control', 'no-store'],
      ['x-robots-tag', 'noindex'],
    ]
  }
  return [['cache-control', path.startsWith('/_astro/') ? UNCHANGING : REVALIDATED]]
}

function redirect(response: ServerResponse, location: string): void {
  response.writeHead(301, { location, 'cache-control': REVALIDATED }).end()
}

function refuseMethod(response: ServerResponse): void {
  response.writeHead(405, { allow: 'GET, HEAD', 'content-length': 0 }).end()
}
