const LF = 10
const CR = 13
const OPEN_BRACE = 123
const OPEN_BRACKET = 91
const CLOSE_BRACKET = 93
const D = 68
const N = 110
const QUOTE = 34
const SPACE = 32
const COLON = 58
const BACKSLASH = 92
const U = 117

/** Events that say more than text: usage, an end, an error, a tool call. They have to be read. */
export const TELLING = -1

/** What a member may hold that is more than text, by how its value begins; its name cannot occur inside a string. */
const TELLING_MEMBERS = [
  ['usage', (byte: number) => byte === OPEN_BRACE],
  ['error', (byte: number) => byte !== N],
  ['message', (byte: number) => byte === QUOTE],
  ['base_resp', (byte: number) => byte === OPEN_BRACE],
  ['bot_usage', (byte: number) => byte === OPEN_BRACE],
  ['reasoning', (byte: number) => byte === QUOTE],
  ['tool_calls', (byte: number, next: number) => byte === OPEN_BRACKET && next !== CLOSE_BRACKET],
  ['finish_reason', (byte: number) => byte === QUOTE],
] as const satisfies readonly (readonly [string, (byte: number, next: number) => boolean])[]

const tellingByLength = byLength(
  TELLING_MEMBERS.map(([name, isTelling]) => ({ name: Buffer.from(name), isTelling })),
)
/** The members of a delta that are text. */
const textByLength = byLength(
  ['content', 'reasoning_content'].map((name) => ({ name: Buffer.from(name) })),
)

/**
 * Bytes of the answer's text in events that hold nothing else, as UTF-8, however their JSON escapes it: what
 * {@link answerBytes} would say of each, in one pass over their strings and without making any. {@link TELLING} where one
 * holds more, or what is no JSON, or is a comment or `[DONE]`.
 */
export function textBytesIn(events: Buffer): number {
  if (events[0] === COLON) return TELLING
  let bytes = 0
  for (let at = 0; at < events.length; at += 1) {
    if (events[at] !== QUOTE) {
      if (isTellingOutside(events, at)) return TELLING
      continue
    }
    const start = at + 1
    at = endOfString(events, start)
    const value = valueBehind(events, at)
    if (events[at] !== QUOTE || isTellingMember(events, start, at, value)) return TELLING
    if (events[value] !== QUOTE || !memberAt(textByLength, events, start, at)) continue
    at = endOfString(events, value + 1)
    if (events[at] !== QUOTE) return TELLING
    bytes += unescapedBytes(events, value + 1, at)
  }
  return bytes
}

/** Whether a byte outside of strings begins a comment or `[DONE]`. */
function isTellingOutside(events: Buffer, at: number): boolean {
  const byte = events[at]
  if (byte === LF || byte === CR) return events[at + 1] === COLON
  return byte === OPEN_BRACKET && events[at + 1] === D
}

/** Where the string that starts here has its closing quote; a line's end, or the bytes', where it has none. */
function endOfString(json: Buffer, start: number): number {
  let at = start
  for (; at < json.length; at += 1) {
    const byte = json[at]!
    if (byte === QUOTE || byte === LF || byte === CR) return at
    if (byte === BACKSLASH) at += 1
  }
  return at
}

/** Where the value begins whose name ends here; -1 where it is no name. */
function valueBehind(json: Buffer, end: number): number {
  let at = end + 1
  while (json[at] === SPACE) at += 1
  if (json[at] !== COLON) return -1
  at += 1
  while (json[at] === SPACE) at += 1
  return at
}

function isTellingMember(json: Buffer, start: number, end: number, value: number): boolean {
  if (value === -1) return false
  const member = memberAt(tellingByLength, json, start, end)
  return member !== undefined && member.isTelling(json[value]!, json[value + 1]!)
}

/** Names by their length, of which few have the same. */
function byLength<Member extends { name: Buffer }>(
  members: readonly Member[],
): readonly (readonly Member[])[] {
  const longest = Math.max(...members.map(({ name }) => name.length))
  return Array.from({ length: longest + 1 }, (_, length) =>
    members.filter(({ name }) => name.length === length),
  )
}

function memberAt<Member extends { name: Buffer }>(
  members: readonly (readonly Member[])[],
  json: Buffer,
  start: number,
  end: number,
): Member | undefined {
  for (const member of members[end - start] ?? []) {
    const { name } = member
    let at = 0
    while (at < name.length && name[at] === json[start + at]) at += 1
    if (at === name.length) return member
  }
  return undefined
}

/** UTF-8 bytes of a JSON string's text. */
function unescapedBytes(json: Buffer, start: number, end: number): number {
  let bytes = end - start
  for (let at = start; at < end; at += 1) {
    if (json[at] !== BACKSLASH) continue
    if (json[at + 1] === U) {
      bytes -= 6 - escapedBytes(json, at)
      at += 5
    } else {
      bytes -= 1
      at += 1
    }
  }
  return bytes
}

/** UTF-8 bytes of a `\uXXXX`; the two halves of a surrogate pair have two each, a half alone is written as three. */
function escapedBytes(json: Buffer, at: number): number {
  const unit = unitAt(json, at)
  if (unit < 0x80) return 1
  if (unit < 0x8_00) return 2
  const isPaired = isHigh(unit)
    ? isLow(unitAt(json, at + 6))
    : isLow(unit) && isHigh(unitAt(json, at - 6))
  return isPaired ? 2 : 3
}

/** The UTF-16 unit of a `\uXXXX`, -1 where there is none. */
function unitAt(json: Buffer, at: number): number {
  if (json[at] !== BACKSLASH || json[at + 1] !== U) return -1
  return Number.parseInt(json.toString('latin1', at + 2, at + 6), 16)
}

const isHigh = (unit: number): boolean => unit >= 0xd8_00 && unit <= 0xdb_ff
const isLow = (unit: number): boolean => unit >= 0xdc_00 && unit <= 0xdf_ff
