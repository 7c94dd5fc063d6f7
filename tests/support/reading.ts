import { until } from './until.ts'

/** A streamed answer as it is being read. */
export interface Reading {
  /** What has come so far. */
  readonly text: string
  /** Resolves when this has come. @throws when the answer ended without it */
  until(piece: string): Promise<void>
  /** Resolves to all of it: whole, or cut off. */
  readonly ended: Promise<{ readonly text: string; readonly cut: boolean }>
}

/** Reads an answer's body from now on, whether or not anyone waits. */
export function read(answer: Response): Reading {
  const decoder = new TextDecoder()
  let text = ''
  let over = false
  const ended = (async () => {
    for await (const bytes of answer.body!) text += decoder.decode(bytes, { stream: true })
  })()
    .then(
      () => ({ cut: false }),
      () => ({ cut: true }),
    )
    .then(({ cut }) => {
      over = true
      return { text, cut }
    })
  return {
    get text() {
      return text
    },
    ended,
    async until(piece) {
      await until(() => text.includes(piece) || over)
      if (!text.includes(piece)) throw new Error(`the answer ended without ${piece}:\n${text}`)
    },
  }
}
