import type { Dialect } from './dialect.ts'
import type { SaidError } from './error-body.ts'
import type { ErrorKind } from './error-kinds.ts'

/** Words under which providers speak of our key, account or arrears; such text is our operator's, not the caller's. */
const OURS =
  /\b(sk-|api[ _-]?key|account|arrear|balance|billing|credential|organi[sz]ation|overdue|quota|recharge)|账户|账号|余额|欠费|充值|密钥/i
/** Of those, the ones that in a 429 mean no money rather than too much asked. */
const ARREARS = /\b(arrear|overdue|insufficient[ _-]balance|recharge)|余额|欠费|充值/i
const TOO_LONG =
  /\b(context[ _](length|window)|maximum context|prompt is too long|range of input length)/i
/** DashScope has no room for it now, whatever the status it says so with. */
const NO_ROOM = /^<503>|InternalError\.Algo|too many requests/i

/**
 * What an error comes to. The provider's own codes decide before its status: a 429 can mean no money, a 400 no room, a 200 any
 * error at all. What is judged by its status may be about us all the same, by its words.
 */
export function kindOfError({ errors }: Dialect, status: number, said: SaidError): ErrorKind {
  const known = said.codes.flatMap((code) => errors[code] ?? errors[code.split('.')[0]!] ?? [])[0]
  const text = `${said.codes.join(' ')} ${said.message}`
  if (known === 'rejected' || known === undefined) {
    if (NO_ROOM.test(said.message ?? '')) return 'overload'
    if (isRequests(status) && TOO_LONG.test(text)) return 'too_long'
  }
  return known ?? byStatus(status, text)
}

function byStatus(status: number, text: string): ErrorKind {
  if (isRequests(status)) return OURS.test(text) ? 'ours' : 'rejected'
  if (status === 451) return 'filtered'
  if (status === 429) return ARREARS.test(text) ? 'ours' : 'rate'
  if (status === 408 || status >= 500) return 'overload'
  return 'ours'
}

const isRequests = (status: number): boolean => [400, 413, 422].includes(status)

/** Whether a provider's words may be told to the caller. */
export const isTellable = (text: string): boolean => !OURS.test(text)
