const QUOTE = 34
const SPACE = 32
const COLON = 58
const BACKSLASH = 92
const U = 117

/** The members of a delta that are the answer: text, reasoning in both spellings, and the parts of a tool call. */
const TEXT_MEMBERS = ['"content"', '"reasoning_content"', '"reasoning"', '"name"', '"arguments"']

/**
 * Bytes of the answer's text in events, as UTF-8, however their JSON escapes it: what {@link answerBytes} would say of
 * each, without parsing any. A quoted name cannot occur inside a JSON string, where its quotes would be escaped.
 */
export function textBytesIn(events: Buffer): number {
  let bytes = 0
  for (const member of TEXT_MEMBERS) {
    for (let at = events.indexOf(member); at !== -1; at = events.indexOf(member, at + 1)) {
      let value = at + member.length
      while (events[value] === COLON || events[value] === SPACE) value += 1
      if (events[value] === QUOTE) bytes += stringBytes(events, value + 1)
    }
  }
  return bytes
}

/** UTF-8 bytes of the JSON string that starts here, behind its quote. */
function stringBytes(json: Buffer, start: number): number {
  let bytes = 0
  let at = start
  while (at < json.length && json[at] !== QUOTE) {
    if (json[at] !== BACKSLASH) {
      bytes += 1
      at += 1
    } else if (json[at + 1] !== U) {
      bytes += 1
      at += 2
    } else {
      bytes += escapedBytes(json, at)
      at += 6
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
