import { describe, expect, test } from 'vitest'
import { headTags, type HeadTag, type PageHead } from './head.ts'

const ORIGIN = 'https://thesmartoken.com'
const faq: PageHead = { title: 'Questions', description: 'Answers.', path: '/faq' }

const count = (tags: readonly HeadTag[], matches: (tag: HeadTag) => boolean) =>
  tags.filter(matches).length

describe('every page', () => {
  test.each<[string, PageHead]>([
    ['the root', { ...faq, path: '/' }],
    ['a page', faq],
    [
      'a page below another',
      { ...faq, path: '/models/kimi-k2.6', crumbs: [{ name: 'Models', path: '/models' }] },
    ],
    ['a page kept out of search engines', { ...faq, noindex: true }],
  ])('%s has one title and one description', (_name, page) => {
    const tags = headTags(page, ORIGIN)
    expect(count(tags, ({ tag }) => tag === 'title')).toBe(1)
    expect(count(tags, ({ attributes }) => attributes.name === 'description')).toBe(1)
  })
})

test.each([
  ['/', 'https://thesmartoken.com/'],
  ['/faq', 'https://thesmartoken.com/faq'],
  ['/models/kimi-k2.6', 'https://thesmartoken.com/models/kimi-k2.6'],
])('%s is canonical as %s', (path, address) => {
  const tags = headTags({ ...faq, path }, ORIGIN)
  const canonical = tags.filter(({ attributes }) => attributes.rel === 'canonical')
  expect(canonical.map(({ attributes }) => attributes.href)).toEqual([address])
  expect(tags.find(({ attributes }) => attributes.property === 'og:url')?.attributes.content).toBe(
    address,
  )
})

test('a page below the root says where it stands', () => {
  const page = { ...faq, path: '/models/glm-5.2', crumbs: [{ name: 'Models', path: '/models' }] }
  expect(jsonLdOf(page)).toEqual({
    '@context': 'https://schema.org',
    '@type': 'BreadcrumbList',
    itemListElement: [
      { '@type': 'ListItem', position: 1, name: 'SmarToken', item: 'https://thesmartoken.com/' },
      { '@type': 'ListItem', position: 2, name: 'Models', item: 'https://thesmartoken.com/models' },
      {
        '@type': 'ListItem',
        position: 3,
        name: 'Questions',
        item: 'https://thesmartoken.com/models/glm-5.2',
      },
    ],
  })
})

test('the root says what the site is called', () => {
  expect(jsonLdOf({ ...faq, path: '/' })).toMatchObject({ '@type': 'WebSite', name: 'SmarToken' })
})

test('a page kept out of search engines has neither a canonical address nor breadcrumbs', () => {
  const tags = headTags({ ...faq, noindex: true }, ORIGIN)
  expect(tags.map(({ attributes }) => attributes.rel ?? attributes.type)).not.toContain('canonical')
  expect(tags.map(({ attributes }) => attributes.type)).not.toContain('application/ld+json')
  expect(tags).toContainEqual({ tag: 'meta', attributes: { name: 'robots', content: 'noindex' } })
})

test('text cannot leave the element it is in', () => {
  const page = { ...faq, title: '</title></script><b>&' }
  const tags = headTags(page, ORIGIN)
  for (const { content } of tags) expect(content ?? '').not.toContain('<')
  expect(JSON.stringify(jsonLdOf(page))).toContain('</script><b>&')
})

function jsonLdOf(page: PageHead): unknown {
  const scripts = headTags(page, ORIGIN).filter(({ tag }) => tag === 'script')
  expect(scripts).toHaveLength(1)
  return JSON.parse(scripts[0]?.content ?? '')
}
