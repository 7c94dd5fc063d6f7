/** Runs Astro once, in a process of its own: what a build takes in memory goes with it. */
import { copyFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { build } from 'astro'
import { precompress } from './precompress.ts'

const [outDir, cacheDir] = process.argv.slice(2)
if (outDir === undefined || cacheDir === undefined) {
  throw new Error('Run build.ts, which starts this: node astro-build.ts <output> <cache>')
}
const root = import.meta.dirname

// Two builds at a time must not share a cache.
await build({
  root,
  outDir,
  cacheDir,
  logLevel: 'warn',
  vite: { cacheDir: join(cacheDir, 'vite') },
})
await copyFile(join(dirname(root), 'robots.txt'), join(outDir, 'robots.txt'))
await precompress(outDir)
