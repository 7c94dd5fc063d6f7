import { timing } from '../support/hostile/timing.ts'
import { whole, type Table } from './expected.ts'
import { playAll } from './play.ts'

const table: Table<typeof timing> = {
  'a pause before the head': [whole, whole],
  'a pause behind the head': [whole, whole],
  'a pause within the head': [whole, whole],
  'a pause in the middle': [whole, whole],
  'a pause before the last byte': [whole, whole],
  'a byte of the head every 5 ms': [whole, whole],
  'signs of life for a while, then an answer': [whole, whole],
}

playAll(timing, table)
