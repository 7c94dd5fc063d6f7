import { bodies } from '../support/hostile/bodies.ts'
import { broken, failed, whole, type Table } from './expected.ts'
import { playAll } from './play.ts'

const table: Table<typeof bodies> = {
  'gzip, as it says': [failed, failed],
  'gzip, without saying so': [failed, failed],
  'text that calls itself gzip': [failed, failed],
  'text that calls itself gzip a thousand times': [failed, failed],
  'text in an encoding nobody knows': [failed, failed],
  'a byte order mark first': [failed, whole],
  'blank lines first': [whole, whole],
  'blank lines last': [whole, whole],
  'UTF-8 that is none': [
    { ...whole, text: 1012 },
    { ...whole, text: 1012 },
  ],
  'half a surrogate pair': [
    { ...whole, text: 997 },
    { ...whole, text: 997 },
  ],
  'a NUL, escaped': [
    { ...whole, text: 995 },
    { ...whole, text: 995 },
  ],
  'a NUL, raw': [failed, failed],
  'packets that cut every character': [whole, whole],
  'packets of two bytes': [whole, whole],
  'packets of seven bytes': [whole, whole],
  'everything in one packet': [whole, whole],
  nothing: [failed, failed],
  'white space': [failed, failed],
  'half of it': [failed, broken],
  'half of it, cut in a character': [failed, { ...broken, text: 400 }],
  'an array': [failed, failed],
  'a number': [failed, failed],
  'a string': [failed, failed],
  null: [failed, failed],
  'an empty object': [failed, failed],
  'single quotes': [failed, failed],
  NaN: [failed, failed],
  'a number beyond all numbers': [whole, whole],
  '__proto__ and constructor': [whole, whole],
  'the same member twice': [whole, whole],
  'members nested 100,000 deep': [whole, whole],
  'a megabyte in one piece': [
    { ...whole, text: 1049576 },
    { ...whole, text: 1049576 },
  ],
}

/** What the gateway does not do yet as the table says. */
const defects = ['stream a NUL, raw', 'stream NaN']

playAll(bodies, table, { defects })
