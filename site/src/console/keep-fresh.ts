const INTERVAL_MS = 30_000

/**
 * Calls `refresh` whenever the person comes back to the page or to the network, and every 30 s while
 * the page can be seen and `isWatched` says so.
 */
export function keepFresh(refresh: () => void, isWatched: () => boolean): void {
  const refreshIfVisible = (): void => {
    if (document.visibilityState === 'visible') refresh()
  }
  addEventListener('focus', refreshIfVisible)
  addEventListener('online', refreshIfVisible)
  addEventListener('pageshow', ({ persisted }) => {
    if (persisted) refresh()
  })
  document.addEventListener('visibilitychange', refreshIfVisible)
  setInterval(() => {
    if (isWatched()) refreshIfVisible()
  }, INTERVAL_MS)
}
