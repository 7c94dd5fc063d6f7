const QUOTE = 34
const SPACE = 32
const COLON = 58
const BACKSLASH = 92
const U = 117

/** The members of a delta that are the answer: text, reasoning in both spellings, and the parts of a tool call. */
const TEXT_MEMBERS = ['content', 'reasoning_content', 'reasoning', 'name', 'arguments'].map(
  (name) => Buffer.from(name),
)

/**
 * Bytes of the answer's text in events, as UTF-8, however their JSON escapes it: what {@link answerBytes} would say of
 * each, in one pass over their strings and without making any. A loop of our own takes half as long as five searches.
 */
export function textBytesIn(events: Buffer): number {
  let bytes = 0
  for (let at = 0; at < events.length; at += 1) {
    if (events[at] !== QUOTE) continue
    const end = endOfString(events, at + 1)
    const value = isTextMember(events, at + 1, end) ? valueBehind(events, end) : -1
    at = value === -1 ? end : endOfString(events, value)
    if (value !== -1) bytes += unescapedBytes(events, value, at)
  }
  return bytes
}

/** Where the string that starts here has its closing quote. */
function endOfString(json: Buffer, start: number): number {
  let at = start
  while (at < json.length && json[at] !== QUOTE) at += json[at] === BACKSLASH ? 2 : 1
  return at
}

function isTextMember(json: Buffer, start: number, end: number): boolean {
  for (const name of TEXT_MEMBERS) {
    if (name.length !== end - start) continue
    let at = 0
    while (at < name.length && name[at] === json[start + at]) at += 1
    if (at === name.length) return true
  }
  return false
}

/** Where the string begins that is the value of the name that ends here; -1 where its value is none. */
function valueBehind(json: Buffer, end: number): number {
  let at = end + 1
  while (json[at] === COLON || json[at] === SPACE) at += 1
  return json[at] === QUOTE && at > end + 1 ? at + 1 : -1
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
