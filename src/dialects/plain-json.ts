// The quick look at JSON as JSON.stringify writes it, for the hot path of dialects: whether a text is plain, so that each
// quote in it is the border of a string, and how far a plain value reaches. Whatever is not plain goes the slow way of
// JSON.parse. How it was measured: palava/relay-frame.ts.

import { hasPlainEscapes } from "./escapes.ts"

/**
 * What stands neither inside a string nor between tokens as JSON.stringify writes them, and what begins an escape: a frame
 * without them needs no second look.
 */
// biome-ignore lint/suspicious/noControlCharactersInRegex: it is them that JSON forbids.
const UNUSUAL = /[\x00-\x1f\\]/

const QUOTE = 0x22
const COMMA = 0x2c
const MINUS = 0x2d
const DOT = 0x2e
const ZERO = 0x30
const NINE = 0x39
const COLON = 0x3a
const OPENING_BRACE = 0x7b
const CLOSING_BRACE = 0x7d

/** 16 levels: what clients send has four; deeper goes the slow way. */
const PLAIN_LEVELS = 16

/** The text between two places; `last` itself where it says the same, as that string keeps its hash, and mostly it is looked up. */
export function sliceAs(text: string, from: number, to: number, last: string): string {
  return to - from === last.length && text.startsWith(last, from) ? last : text.slice(from, to)
}

/**
 * Whether a text is plain: no control character, and every backslash begins one of `\b \f \n \r \t \/`.
 * Then each quote is the border of a string, and a key is what it looks like. Escaped quotes, backslashes and code points
 * are no.
 */
export function isPlainText(text: string): boolean {
  return !UNUSUAL.test(text) || hasPlainEscapes(text)
}

/**
 * The place behind the object at `at`, made of strings, plain numbers, literals and objects of these, without white
 * space; -1 when there is none. Relies on isPlainText.
 */
export function skipPlainObject(text: string, at: number): number {
  if (text.charCodeAt(at) !== OPENING_BRACE) return -1
  let depth = 1
  at++
  for (;;) {
    if (text.charCodeAt(at) !== QUOTE) return -1
    at = text.indexOf('"', at + 1) + 1
    if (at === 0 || text.charCodeAt(at) !== COLON) return -1
    const first = text.charCodeAt(++at)
    if (first === QUOTE) {
      at = text.indexOf('"', at + 1) + 1
      if (at === 0) return -1
    } else if (first === OPENING_BRACE && text.charCodeAt(at + 1) !== CLOSING_BRACE) {
      if (++depth > PLAIN_LEVELS) return -1
      at++
      continue
    } else if (first === OPENING_BRACE) {
      at += 2
    } else {
      at = skipNumberOrLiteral(text, at, first)
      if (at < 0) return -1
    }
    let next = text.charCodeAt(at)
    while (next === CLOSING_BRACE) {
      at++
      if (--depth === 0) return at
      next = text.charCodeAt(at)
    }
    if (next !== COMMA) return -1
    at++
  }
}

/** The place behind a number without exponent, or `true`, `false`, `null`; -1 when there is none. */
export function skipNumberOrLiteral(text: string, start: number, first: number): number {
  if (first === MINUS || (first >= ZERO && first <= NINE)) {
    let at = first === MINUS ? start + 1 : start
    const whole = at
    at = skipDigits(text, at)
    if (at === whole || (at > whole + 1 && text.charCodeAt(whole) === ZERO)) return -1
    if (text.charCodeAt(at) !== DOT) return at
    const fraction = at + 1
    at = skipDigits(text, fraction)
    return at === fraction ? -1 : at
  }
  if (text.startsWith("null", start) || text.startsWith("true", start)) return start + 4
  return text.startsWith("false", start) ? start + 5 : -1
}

function skipDigits(text: string, start: number): number {
  let at = start
  for (let digit = text.charCodeAt(at); digit >= ZERO && digit <= NINE; digit = text.charCodeAt(at)) at++
  return at
}
