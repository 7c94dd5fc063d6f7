import type { Capability, Modality, Model } from '@smartoken/prisma/catalog'

const capabilities: Readonly<Record<Capability, string>> = {
  tools: 'Tool calls',
  json_object: 'JSON mode',
  json_schema: 'JSON schema',
}

const modalities: Readonly<Record<Modality, string>> = {
  text: 'text',
  image: 'images',
  audio: 'audio',
  video: 'video',
}

const thinking: Readonly<Record<Model['thinking'], string>> = {
  none: 'Does not think before it answers',
  optional: 'Can think before it answers, if asked to',
  always: 'Always thinks before it answers',
}

const count = new Intl.NumberFormat('en')
const list = new Intl.ListFormat('en')
const day = new Intl.DateTimeFormat('en', { dateStyle: 'long', timeZone: 'UTC' })
const minute = new Intl.DateTimeFormat('en', {
  dateStyle: 'long',
  timeStyle: 'short',
  hourCycle: 'h23',
  timeZone: 'UTC',
})

/** 1000000 → `1,000,000`. */
export const formatCount = (tokens: number): string => count.format(tokens)

/** `2026-11-20` or an instant → `November 20, 2026`, in UTC. */
export const formatDay = (date: string | Date): string => day.format(new Date(date))

/** An instant → `November 20, 2026 at 16:00 UTC`. */
export const formatMinute = (instant: Date): string => `${minute.format(instant)} UTC`

export const capabilityName = (capability: Capability): string => capabilities[capability]

/** `text and images`. */
export const modalityList = (names: readonly Modality[]): string =>
  list.format(names.map((name) => modalities[name]))

export const thinkingName = (model: Model): string =>
  model.thinking === 'optional' && model.thinksUnasked
    ? 'Thinks before it answers, unless told not to'
    : thinking[model.thinking]
