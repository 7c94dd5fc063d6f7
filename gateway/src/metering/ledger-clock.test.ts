import { expect, test, vi } from 'vitest'
import { createLedgerClock } from './ledger-clock.ts'

test('tells the database’s time from the last instant read there', () => {
  vi.useFakeTimers({ now: new Date('2026-11-23T12:00:00Z') })
  try {
    const clock = createLedgerClock()
    clock.set(new Date('2026-11-23T12:05:00Z'))
    vi.advanceTimersByTime(1_500)
    expect(clock.now().toISOString()).toBe('2026-11-23T12:05:01.500Z')
  } finally {
    vi.useRealTimers()
  }
})
