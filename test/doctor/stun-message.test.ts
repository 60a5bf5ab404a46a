// STUN messages against the test vectors of RFC 5769, and against what no server should send.

import { describe, expect, test } from "bun:test"
import { toIceServer } from "../../src/doctor/stun-client.ts"
import { ATTRIBUTE, addressIn, decode, encode, errorIn, TYPE } from "../../src/doctor/stun-message.ts"

/** Head and SOFTWARE of the sample responses (RFC 5769 sections 2.2 and 2.3), whose length differs. */
const HEAD = "2112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f7220"
const IPV4 = `0101003c${HEAD}002000080001a147e112a643000800142b91f599fd9e90c38c7489f92af9ba53f06be7d780280004c07d4c96`
const IPV6 = `01010048${HEAD}002000140002a1470113a9faa5d3f179bc25f4b5bed2b9d900080014a382954e4be67bf11784c97c8292c275bfe3ed4180280004c8fb0b4c`

describe("the samples of RFC 5769", () => {
  for (const [what, hex, address] of [
    ["IPv4", IPV4, "192.0.2.1:32853"],
    ["IPv6", IPV6, "[2001:db8:1234:5678:11:2233:4455:6677]:32853"],
  ] as const) {
    test(what, () => {
      const message = decode(Buffer.from(hex, "hex"))
      expect(message?.type).toBe(TYPE.bindingSuccess)
      expect(message && addressIn(message, ATTRIBUTE.mappedAddress)).toBe(address)
    })
  }
})

test("what is written is read again", () => {
  const nonce = Buffer.from("nonce")
  const { bytes, transaction } = encode(TYPE.allocateRequest, [[ATTRIBUTE.nonce, nonce]], Buffer.from("key"))
  const message = decode(bytes)
  expect([message?.type, message?.transaction]).toEqual([TYPE.allocateRequest, transaction])
  expect(message?.attributes.get(ATTRIBUTE.nonce)).toEqual(nonce)
  expect(message?.attributes.get(ATTRIBUTE.integrity)).toHaveLength(20)
})

test("what is none, or cut off anywhere, is read as nothing or as what is there, and never throws", () => {
  const whole = Buffer.from(IPV6, "hex")
  for (let length = 0; length < whole.length; length++) expect(decode(whole.subarray(0, length))).toBeUndefined()
  for (let at = 0; at < whole.length; at++) {
    for (const value of [0, 1, 127, 255]) {
      const changed = Buffer.from(whole)
      changed[at] = value
      const message = decode(changed)
      if (message === undefined) continue
      addressIn(message, ATTRIBUTE.mappedAddress)
      errorIn(message)
    }
  }
})

test("URLs of servers (RFC 7064, RFC 7065)", () => {
  for (const [url, expected] of [
    ["stun:a", { scheme: "stun", host: "a", port: 3478, transport: "udp" }],
    ["turn:a.example.org:80?transport=tcp", { scheme: "turn", host: "a.example.org", port: 80, transport: "tcp" }],
    ["turns:[::1]:443", { scheme: "turns", host: "::1", port: 443, transport: "tls" }],
    ["stuns:[::1]", { scheme: "stuns", host: "::1", port: 5349, transport: "tls" }],
  ] as const) {
    expect(toIceServer(url)).toEqual(expected)
  }
})
