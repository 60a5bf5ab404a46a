// The fast way through the one frame that matters for speed: `send_to_peer`, as JSON.stringify writes it.
//
// decodeRelayFrame proves that a frame is valid JSON and may be relayed, and finds the text of its `data`, without
// building an object. It says yes only where the slow way (JSON.parse, then the schemas) would relay the same data; to
// everything unusual it says no, and the slow way decides. So it may be strict without being wrong: other key orders,
// white space, a `ref`, a `sender_id` of the sender's own all go the slow way. test/unit/relay-frame.test.ts compares
// the two.
//
// Measured with Bun 1.4.5, server CPU per message under load, next to a forwarder that does not look (2.3 µs for a
// candidate of 300 B, 5.0 µs for an offer of 2.5 KB): the first version of this 3.0 and 8.7; JSON.parse of the data and a splice 3.4 and
// 10.9; JSON.parse of the whole 3.5 and 10.4. JSON.parse itself is quick (0.2 µs), the garbage it leaves is not, and
// each escape costs it 11 ns, of which an SDP has two a line. Regular expressions that search are vectorised (60 ps a
// character), those that match from a fixed place are not (1 ns), as is a loop over charCodeAt: so one search for what
// may not occur, and `indexOf` from quote to quote. Each backslash ends a search (8 ns): what has any is looked at in
// WebAssembly (../escapes.ts).

import type { PeerId } from "../../rooms/ids.ts"
import { FRAME_LEVELS, isDeeperThan } from "../json.ts"
import { isPlainText, skipNumberOrLiteral } from "../plain-json.ts"
import { DATA_WITH_EVENT, RELAY_EVENTS } from "./relay-events.ts"

/** What decodeRelayFrame found. Made once and used for every frame: the hot path allocates nothing but strings. */
export interface RelayFrame {
  /** The target, not yet known to exist. Shares memory with the frame: not to be kept. */
  peerId: string
  /** The text of `data` without its closing brace, never an empty object; whoever relays appends a last key. */
  body: string
}

const PEER_ID_AT = '{"event":"send_to_peer","peer_id":"'.length
/** A UUID's length: no other id is a peer's. */
const PEER_ID_END = PEER_ID_AT + 36
const DATA_AT = PEER_ID_END + '","data":'.length

// Three times as quick as startsWith; counting the characters of the id, or a test of the rest of a frame, is not.
const HEAD = /^\{"event":"send_to_peer","peer_id":"/

/** What follows the id in any other. */
const DATA = /","data":\{"/y

/** An ASCII letter, lower case, as an escape: it may spell a key that is looked for as text. */
const ESCAPED_LETTER = /\\u00[67]/

/** Without quotes or escapes: what stands between the quotes is the id. */
const UUID = /^[0-9a-f-]{36}$/

/** RELAY_EVENTS as JSON. */
const RELAY_EVENTS_QUOTED = RELAY_EVENTS.map((event) => `"${event}"`)

const QUOTE = 0x22
const COMMA = 0x2c
const COLON = 0x3a
const LETTER_S = 0x73
const OPENING_BRACE = 0x7b
const CLOSING_BRACE = 0x7d

/**
 * Reads a frame that may be relayed into `out`.
 * @returns false when this is another event, invalid, not to be relayed, or merely unusual: the slow way knows which.
 */
export function decodeRelayFrame(text: string, out: RelayFrame): boolean {
  const end = text.length - 1
  if (text.charCodeAt(end) !== CLOSING_BRACE || text.charCodeAt(end - 1) !== CLOSING_BRACE) return false
  if (!HEAD.test(text)) return false
  let at = DATA_AT + 1
  DATA_WITH_EVENT.lastIndex = DATA.lastIndex = PEER_ID_END
  const isEventFirst = DATA_WITH_EVENT.test(text)
  if (isEventFirst) at = DATA_WITH_EVENT.lastIndex
  else if (!DATA.test(text)) return false
  const isPlain = isPlainText(text) && isPlainRelayData(text, at, end, isEventFirst)
  if (!isPlain && !isRelayData(text.slice(DATA_AT, end))) return false
  // Mostly the target of the frame before; the same string keeps its hash, which whoever looks it up is glad of.
  if (out.peerId === "" || !text.startsWith(out.peerId, PEER_ID_AT)) {
    const peerId = text.slice(PEER_ID_AT, PEER_ID_END)
    if (!UUID.test(peerId)) return false
    out.peerId = peerId
  }
  out.body = text.slice(DATA_AT, end - 1)
  return true
}

/**
 * Whether text[at, end) is the rest, from a key on, of an object of strings, plain numbers, literals and objects of
 * these, without white space, with exactly one key `event` of a relayed value (`hasEvent`: before `at`), and none
 * called `sender_id`. Relies on isPlainText.
 */
function isPlainRelayData(text: string, at: number, end: number, hasEvent: boolean): boolean {
  let depth = 1
  for (;;) {
    // A key and its colon.
    if (text.charCodeAt(at) !== QUOTE) return false
    const keyEnd = text.indexOf('"', at + 1)
    if (keyEnd < 0 || text.charCodeAt(keyEnd + 1) !== COLON) return false
    if (depth === 1) {
      const length = keyEnd - at - 1
      // Its first letter first: `candidate` is as long.
      if (length === 9 && text.charCodeAt(at + 1) === LETTER_S && text.startsWith("sender_id", at + 1)) return false
      if (length === 5 && text.startsWith("event", at + 1)) {
        if (hasEvent || !isRelayEvent(text, keyEnd + 2)) return false
        hasEvent = true
      }
    }
    // Its value.
    at = keyEnd + 2
    const first = text.charCodeAt(at)
    if (first === QUOTE) {
      at = text.indexOf('"', at + 1) + 1
      if (at === 0) return false
    } else if (first === OPENING_BRACE) {
      if (++depth === FRAME_LEVELS) return false
      at++
      continue
    } else {
      at = skipNumberOrLiteral(text, at, first)
      if (at < 0) return false
    }
    // What closes behind it.
    let next = text.charCodeAt(at)
    while (next === CLOSING_BRACE) {
      at++
      if (--depth === 0) return hasEvent && at === end
      next = text.charCodeAt(at)
    }
    if (next !== COMMA) return false
    at++
  }
}

/** Whether the value at `at` is one of RELAY_EVENTS. */
function isRelayEvent(text: string, at: number): boolean {
  for (const event of RELAY_EVENTS_QUOTED) if (text.startsWith(event, at)) return true
  return false
}

/** The same question asked of JSON.parse, for data with arrays, exponents, or JSON inside a string. */
function isRelayData(text: string): boolean {
  // Which of two keys counts, readers disagree on: where one might be hidden, the slow way writes the data anew.
  if (ESCAPED_LETTER.test(text) || text.indexOf('"event"') !== text.lastIndexOf('"event"')) return false
  let data: Record<string, unknown>
  try {
    data = JSON.parse(text)
  } catch {
    return false
  }
  if (!RELAY_EVENTS.includes(data["event"] as string) || Object.hasOwn(data, "sender_id")) return false
  // One level is the frame around it.
  return !isDeeperThan(data, FRAME_LEVELS - 1)
}

// The last end of a relayed message, and whose it is: messages come in bursts, and two pieces are quicker put together
// than four.
let lastSender = ""
let lastEnd = ""

/** What ends a message that `sender` relays: the id, last, where no earlier key can change it. */
export function endOfRelay(sender: PeerId): string {
  if (sender !== lastSender) {
    lastSender = sender
    lastEnd = `,"sender_id":"${sender}"}`
  }
  return lastEnd
}
