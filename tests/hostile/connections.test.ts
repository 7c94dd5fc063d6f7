import { connections } from '../support/hostile/connections.ts'
import { broken, failed, failedTwice, whole, type Table } from './expected.ts'
import { playAll } from './play.ts'

const table: Table<typeof connections> = {
  'closes at once': [failedTwice, failedTwice],
  'resets at once': [failedTwice, failedTwice],
  'resets before the request is read': [failedTwice, failedTwice],
  'closes within the status line': [failedTwice, failedTwice],
  'resets within the head': [failedTwice, failedTwice],
  'closes behind the head': [failed, failed],
  'resets behind the head': [failed, failed],
  'resets in the middle of the body': [failed, broken],
  'closes in the middle of the body': [failed, broken],
  'resets behind the last byte but one': [failed, whole],
  'closes its half at once, and answers nothing': [failedTwice, failedTwice],
  'resets the connection when it is used again': [
    { ...whole, attempts: 2 },
    { ...whole, attempts: 2 },
  ],
}

playAll(connections, table)
