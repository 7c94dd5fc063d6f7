import { setTimeout as wait } from 'node:timers/promises'

const POLL_MS = 10
/** Far longer than anything takes: what is asked for never came. */
const GIVE_UP_MS = 25_000

/** Asks again and again until there is an answer. @throws when there is none for too long */
export async function until<T>(
  ask: () => Promise<T | undefined | false> | T | undefined | false,
): Promise<T> {
  for (const since = performance.now(); performance.now() - since < GIVE_UP_MS;) {
    const answer = await ask()
    if (answer !== undefined && answer !== false) return answer
    await wait(POLL_MS)
  }
  throw new Error(`waited in vain for ${ask.toString()}`)
}
