import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import sitemap from '@astrojs/sitemap'
import { defineConfig } from 'astro/config'
import { configuration } from './src/configuration.ts'
import { lastModified } from './src/seo/last-modified.ts'
import { isPublicPage } from './src/seo/public-page.ts'

const catalogFolder = dirname(fileURLToPath(import.meta.resolve('@smartoken/prisma/catalog')))
const modified = await lastModified()

export default defineConfig({
  site: configuration.publicUrl,
  trailingSlash: 'never',
  build: { format: 'directory', inlineStylesheets: 'never' },
  // Nothing inline, so that the content security policy needs no exception.
  vite: {
    build: { assetsInlineLimit: 0 },
    // The catalog reads the files beside itself, and is moved when it is bundled.
    define: { 'import.meta.env.CATALOG_FOLDER': JSON.stringify(catalogFolder) },
  },
  markdown: { syntaxHighlight: false },
  devToolbar: { enabled: false },
  integrations: [
    sitemap({
      filter: (page) => isPublicPage(new URL(page).pathname),
      serialize: (item) => ({ ...item, lastmod: modified(new URL(item.url).pathname) }),
    }),
  ],
})
