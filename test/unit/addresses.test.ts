// Where a client is, by what its proxies say: whatever a client sends through them, it can only ever be told as where it is,
// or as the proxy.

import { describe, expect, test } from "bun:test"
import { makeAddressOf } from "../../src/access/addresses.ts"
import { placeOf, readNetwork } from "../../src/access/networks.ts"

const PROXIES = ["10.0.0.0/8", "127.0.0.1", "2001:db8:feed::/48"]

function addressOf(peer: string, headers: Record<string, string>, proxies: readonly string[] = PROXIES): string {
  return makeAddressOf(proxies)({ headers: new Headers(headers) }, peer)
}

const REAL = "203.0.113.7"
const FORGED = "198.51.100.1"

describe("without a trusted proxy", () => {
  test.each([
    [REAL, REAL],
    [`::ffff:${REAL}`, REAL],
    ["2001:DB8:0:0::1", "2001:db8::1"],
    ["fe80::1%eth0", "fe80::1"],
    ["", ""],
  ])("%s is %s, whatever the headers say", (peer, told) => {
    const headers = { "x-forwarded-for": FORGED, forwarded: `for=${FORGED}` }
    expect(addressOf(peer, headers)).toBe(told)
    expect(addressOf(peer, headers, [])).toBe(told)
  })
})

describe("X-Forwarded-For of a trusted proxy", () => {
  test.each([
    ["one proxy", REAL, REAL],
    ["what the client wrote itself is not looked at", `${FORGED}, ${REAL}`, REAL],
    ["nor whether it can be read", `'); drop, ${REAL}`, REAL],
    ["two proxies", `${FORGED}, ${REAL},10.1.2.3`, REAL],
    ["all are proxies: the first", "10.0.0.9, 127.0.0.1", "10.0.0.9"],
    ["with a port", `${REAL}:4711`, REAL],
    ["IPv6", "2001:db8::7", "2001:db8::7"],
    ["IPv6 with a port", "[2001:db8::7]:4711", "2001:db8::7"],
    ["IPv4 in IPv6", `::ffff:${REAL}`, REAL],
  ])("%s", (_what, header, told) => {
    expect(addressOf("10.0.0.1", { "x-forwarded-for": header })).toBe(told)
    expect(addressOf("::ffff:127.0.0.1", { "x-forwarded-for": header })).toBe(told)
  })

  test.each(["", ",", "unknown", "10.1", "0x7f.0.0.1", "1.2.3.4.5", "::g", `${REAL},`, "a".repeat(8000)])(
    "malformed: %s",
    (header) => expect(addressOf("10.0.0.1", { "x-forwarded-for": header })).toBe("10.0.0.1"),
  )

  test("a chain without an end ends", () => {
    const header = `${FORGED}, ${Array(10_000).fill("10.0.0.2").join(", ")}`
    expect(addressOf("10.0.0.1", { "x-forwarded-for": header })).toBe("10.0.0.2")
  })
})

describe("Forwarded of a trusted proxy", () => {
  test.each([
    ["the examples of RFC 7239", 'For="[2001:db8:cafe::17]:4711"', "2001:db8:cafe::17"],
    ["several pairs", `for=${REAL};proto=http;by=203.0.113.43`, REAL],
    ["spaces and another order", ` proto=https ; for=${REAL} , For="10.0.0.3:80"`, REAL],
    ["what the client wrote itself", `for=${FORGED}, for=${REAL}`, REAL],
    ["a hidden one behind the client's", `for=_secret, for=${REAL}`, REAL],
    ["quoted", `for="${REAL}:_port"`, REAL],
    ["with an escape", `for="203.0.113\\.7"`, REAL],
  ])("%s", (_what, header, told) => expect(addressOf("10.0.0.1", { forwarded: header })).toBe(told))

  test.each([
    ["nothing", ""],
    ["no for", "proto=https"],
    ["unknown", "for=unknown"],
    ["hidden", "for=_hidden"],
    ["an open quote of the client swallows the rest", `for="x, for=${REAL}`],
    ["an open quote, closed by the quote of the proxy", `for="${FORGED}, for="[2001:db8::7]"`],
    ["two in one element", `for=${FORGED};for=${REAL}`],
    ["no pair", `${REAL}`],
    ["an empty element", `for=${REAL},`],
  ])("malformed: %s", (_what, header) => expect(addressOf("10.0.0.1", { forwarded: header })).toBe("10.0.0.1"))
})

describe("both headers", () => {
  test("that agree", () => {
    expect(addressOf("10.0.0.1", { "x-forwarded-for": REAL, forwarded: `for=${REAL}` })).toBe(REAL)
  })

  test("that do not: one of them is the client's own, and nobody knows which", () => {
    expect(addressOf("10.0.0.1", { "x-forwarded-for": REAL, forwarded: `for=${FORGED}` })).toBe("10.0.0.1")
    expect(addressOf("10.0.0.1", { "x-forwarded-for": FORGED, forwarded: `for="${REAL}"` })).toBe("10.0.0.1")
    expect(addressOf("10.0.0.1", { "x-forwarded-for": REAL, forwarded: "nonsense" })).toBe("10.0.0.1")
  })
})

test("a place is an address, or a network of 64 bits", () => {
  expect(
    ["203.0.113.7", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::", "2001:db8::1", "::1", "", "nonsense:"].map(placeOf),
  ).toEqual([
    "203.0.113.7",
    "2001:db8:1:2::/64",
    "2001:db8:1:2::/64",
    "2001:db8:0:0::/64",
    "0:0:0:0::/64",
    "",
    "nonsense:",
  ])
})

test.each([
  "10.0.0.0/33",
  "10.0.0.0/-1",
  "10.0.0.0/",
  "10/8",
  "::/129",
  "localhost",
  "[::1]",
  "",
  "::ffff:10.0.0.0/104",
])("%p is no network", (text) => expect(readNetwork(text)).toBeUndefined())
