import type { BreadcrumbList, Thing, WebSite, WithContext } from 'schema-dts'

export interface Crumb {
  readonly name: string
  readonly path: string
}

/** What a page says about itself to browsers, search engines and link previews. */
export interface PageHead {
  /** Without the site's name, which is added everywhere but at the root. */
  readonly title: string
  readonly description: string
  /** From the root, no slash at the end but for the root itself. */
  readonly path: string
  /** The pages between the root and this one, outermost first. */
  readonly crumbs?: readonly Crumb[]
  /** Keeps the page out of search engines; such a page has no canonical address. */
  readonly noindex?: boolean
}

export interface HeadTag {
  readonly tag: 'title' | 'meta' | 'link' | 'script'
  readonly attributes: Readonly<Record<string, string>>
  /** Already escaped for where it goes. */
  readonly content?: string
}

export const SITE_NAME = 'SmarToken'

/** All head tags of a page that differ from page to page, as data. */
export function headTags(page: PageHead, publicUrl: string): readonly HeadTag[] {
  const title = page.path === '/' ? page.title : `${page.title} · ${SITE_NAME}`
  const named = [
    { tag: 'title', attributes: {}, content: escapeText(title) },
    meta({ name: 'description', content: page.description }),
  ] satisfies HeadTag[]
  if (page.noindex) return [...named, meta({ name: 'robots', content: 'noindex' })]

  const address = absolute(page.path, publicUrl)
  return [
    ...named,
    { tag: 'link', attributes: { rel: 'canonical', href: address } },
    meta({ property: 'og:site_name', content: SITE_NAME }),
    meta({ property: 'og:type', content: 'website' }),
    meta({ property: 'og:title', content: page.title }),
    meta({ property: 'og:description', content: page.description }),
    meta({ property: 'og:url', content: address }),
    meta({ name: 'twitter:card', content: 'summary' }),
    page.path === '/' ? jsonLd(webSite(page, publicUrl)) : jsonLd(breadcrumbs(page, publicUrl)),
  ]
}

function webSite(page: PageHead, publicUrl: string): WithContext<WebSite> {
  return {
    '@context': 'https://schema.org',
    '@type': 'WebSite',
    name: SITE_NAME,
    description: page.description,
    url: absolute('/', publicUrl),
  }
}

function breadcrumbs(page: PageHead, publicUrl: string): WithContext<BreadcrumbList> {
  const trail = [
    { name: SITE_NAME, path: '/' },
    ...(page.crumbs ?? []),
    { name: page.title, path: page.path },
  ]
  return {
    '@context': 'https://schema.org',
    '@type': 'BreadcrumbList',
    itemListElement: trail.map(({ name, path }, index) => ({
      '@type': 'ListItem',
      position: index + 1,
      name,
      item: absolute(path, publicUrl),
    })),
  }
}

function absolute(path: string, publicUrl: string): string {
  return new URL(path, publicUrl).href
}

function meta(attributes: Readonly<Record<string, string>>): HeadTag {
  return { tag: 'meta', attributes }
}

/** `<` is escaped so that no text can close the script element. */
function jsonLd(thing: WithContext<Thing>): HeadTag {
  const content = JSON.stringify(thing).replaceAll('<', String.raw`\u003c`)
  return { tag: 'script', attributes: { type: 'application/ld+json' }, content }
}

function escapeText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}
