import { defineCollection } from 'astro:content'
import { glob } from 'astro/loaders'
import { z } from 'zod'

/** An ISO day; quoted in the files, since YAML makes a date of it otherwise. */
const day = z.iso.date()

/** One file is one group; `### ` headings are the questions. */
const faq = defineCollection({
  loader: glob({ base: './src/content/faq', pattern: '*.md' }),
  schema: z.strictObject({ title: z.string(), intro: z.string(), updated: day }),
})

const docs = defineCollection({
  loader: glob({ base: './src/content/docs', pattern: '*.md' }),
  schema: z.strictObject({
    title: z.string(),
    description: z.string(),
    updated: day,
    /** Its place in the list, from 1. */
    order: z.int().positive(),
  }),
})

export const collections = { faq, docs }
