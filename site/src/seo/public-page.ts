/** Whether a page is meant to be found: what the sitemap lists and what is not `noindex`. */
export function isPublicPage(path: string): boolean {
  return path !== '/404' && path !== '/console' && !path.startsWith('/console/')
}
