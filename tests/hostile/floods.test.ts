import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterEach, beforeEach, expect } from 'vitest'
import { floods } from '../support/hostile/bodies.ts'
import { broken, failed, whole, type Table } from './expected.ts'
import { playAll } from './play.ts'

const table: Table<typeof floods> = {
  'a line of 100 MB': [failed, failed],
  'a line of 100 MB after half of it': [failed, broken],
  '100 MB of comments, then an answer': [failed, whole],
  '100 MB of comments after half of it': [failed, whole],
  '20 MB of blank lines, then an answer': [failed, whole],
  '100 MB of empty chunks, then an answer': [failed, failed],
  'a gzip bomb of 100 MB': [failed, failed],
  'a bomb that does not say so': [failed, failed],
}

/** Bytes that may be live at any moment beyond those before: an answer is 16 MB at most, and what sends it is here, too. */
const MOST_GROWTH = 80 << 20
let before: number
let most: number
let watch: NodeJS.Timeout

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

function live(): number {
  collect()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

beforeEach(() => {
  before = most = live()
  watch = setInterval(() => (most = Math.max(most, live())), 50)
})
afterEach(() => {
  clearInterval(watch)
  expect(most - before).toBeLessThan(MOST_GROWTH)
})

playAll(floods, table)
