// Statuses: what may be one, and how they are merged.

import { expect, test } from "bun:test"
import fc from "fast-check"
import {
  EMPTY_STATUS,
  isLongerThan,
  mergeStatus,
  refuseStatus,
  STATUS_BYTES,
} from "../../src/dialects/palava/status.ts"

/** `text` as a client sends it: with `__proto__` as a key of its own. */
const parsed = (text: string): Record<string, unknown> => JSON.parse(text)

test("refuseStatus takes any small object with a name and a user agent, if it has them", () => {
  for (const status of [{}, { name: "x" }, { name: null, user_agent: null }, { user_agent: "safari" }, { a: [null] }]) {
    expect(refuseStatus(status)).toBeUndefined()
  }
  expect(refuseStatus(parsed('{"__proto__":{"name":""},"constructor":1}'))).toBeUndefined()
})

test("refuseStatus says what is wrong, the first of the table first", () => {
  for (const [status, error] of [
    [undefined, "invalid_status"],
    [null, "invalid_status"],
    [[], "invalid_status"],
    ["x", "invalid_status"],
    [{ name: "", x: "x".repeat(STATUS_BYTES) }, "invalid_status"],
    [{ name: "", user_agent: "" }, "blank_name"],
    [{ name: "\u3000\ufeff" }, "blank_name"],
    [{ name: ["x"] }, "blank_name"],
    [{ name: false }, "blank_name"],
    [{ name: "x".repeat(51), user_agent: "" }, "name_too_long"],
    [{ user_agent: "" }, "invalid_user_agent"],
    [{ user_agent: "x".repeat(51) }, "invalid_user_agent"],
    [{ user_agent: 0 }, "invalid_user_agent"],
  ] as const) {
    expect(refuseStatus(status)).toBe(error)
  }
})

test("the limit is in bytes of JSON", () => {
  const around = '{"x":""}'.length
  expect(refuseStatus({ x: "x".repeat(STATUS_BYTES - around) })).toBeUndefined()
  expect(refuseStatus({ x: "x".repeat(STATUS_BYTES - around + 1) })).toBe("invalid_status")
  expect(refuseStatus({ x: "\u00e9".repeat((STATUS_BYTES - around) / 2) })).toBeUndefined()
  expect(refuseStatus({ x: "\u00e9".repeat((STATUS_BYTES - around) / 2 + 1) })).toBe("invalid_status")
  expect(mergeStatus('{"a":1}', { x: "x".repeat(STATUS_BYTES - around) })).toBeUndefined()
  expect(mergeStatus('{"x":1}', { x: "x".repeat(STATUS_BYTES - around) })).toHaveLength(STATUS_BYTES)
})

test("mergeStatus is what a plain merge of keys would be", () => {
  const status = fc.dictionary(fc.string({ maxLength: 5 }), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 6 })
  fc.assert(
    fc.property(fc.array(status, { maxLength: 4 }), (changes) => {
      const expected = new Map<string, string>()
      let text: string = EMPTY_STATUS
      for (const change of changes) {
        const sent = parsed(JSON.stringify(change))
        const merged = mergeStatus(text, sent)
        if (merged === undefined) continue
        text = merged
        for (const [key, value] of Object.entries(sent)) {
          if (value === null) expected.delete(key)
          else expected.set(key, JSON.stringify(value))
        }
      }
      const found = Object.entries(parsed(text)).map(([key, value]) => [key, JSON.stringify(value)] as const)
      expect(new Map(found)).toEqual(expected)
    }),
  )
})

test("mergeStatus keeps __proto__ as a key, and lends nothing from it", () => {
  expect(mergeStatus(EMPTY_STATUS, parsed('{"__proto__":{"a":1}}'))).toBe('{"__proto__":{"a":1}}')
  expect(mergeStatus('{"__proto__":{"a":1}}', { b: 2 })).toBe('{"__proto__":{"a":1},"b":2}')
  expect(mergeStatus('{"__proto__":{"a":1}}', parsed('{"__proto__":null}'))).toBe("{}")
  expect(({} as Record<string, unknown>)["a"]).toBeUndefined()
})

test("isLongerThan counts code points", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 20 }), fc.nat({ max: 20 }), (text, limit) => {
      expect(isLongerThan(text, limit)).toBe([...text].length > limit)
    }),
  )
})
