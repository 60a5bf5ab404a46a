// Where a client is, as plug-ins of the compiled executable are told: for WebSockets, polling and plain requests.

import { describe, expect, test } from "bun:test"
import { join } from "node:path"
import { EngineClient } from "../dialects/engine-client.ts"
import { TestClient } from "../helpers/client.ts"
import { runExecutable, startNode, type TestNode } from "../helpers/node.ts"

const PLUGIN = ["--plugin", join(import.meta.dir, "../plugins/fixtures/where.ts")]

/** What the node tells of one who says this of itself, by a WebSocket and by a plain request. */
async function toldBy(node: TestNode, headers: Record<string, string>): Promise<unknown[]> {
  await using client = await TestClient.connect(node.url, { headers })
  const { where } = await client.join("room")
  return [where, await (await fetch(`${node.httpUrl}where`, { headers })).text()]
}

const FORWARDED = { "x-forwarded-for": "9.9.9.9, 203.0.113.7" }

test("nobody is believed unless told so", async () => {
  await using node = await startNode(PLUGIN)
  expect(await toldBy(node, FORWARDED)).toEqual(["127.0.0.1", "127.0.0.1"])
  expect(await toldBy(node, { forwarded: "for=203.0.113.7" })).toEqual(["127.0.0.1", "127.0.0.1"])
})

test("a proxy that is not the trusted one is not believed", async () => {
  await using node = await startNode([...PLUGIN, "--trust-proxy", "10.0.0.0/8"])
  expect(await toldBy(node, FORWARDED)).toEqual(["127.0.0.1", "127.0.0.1"])
})

test("a trusted one is, by flag and by variable", async () => {
  await using byFlag = await startNode([...PLUGIN, "--trust-proxy", "10.0.0.0/8", "--trust-proxy", "127.0.0.1"])
  await using byVariable = await startNode(PLUGIN, { PALAVA_TRUST_PROXY: "127.0.0.0/8,::1" })
  for (const node of [byFlag, byVariable]) {
    expect(await toldBy(node, FORWARDED)).toEqual(["203.0.113.7", "203.0.113.7"])
    expect(await toldBy(node, { forwarded: 'for="[2001:db8::7]:1"' })).toEqual(["2001:db8::7", "2001:db8::7"])
    expect(await toldBy(node, { "x-forwarded-for": "nonsense" })).toEqual(["127.0.0.1", "127.0.0.1"])
  }
})

test("a client that polls is told apart by the address that the trusted proxy says", async () => {
  await using node = await startNode(["--trust-proxy", "127.0.0.1"])
  const by = (address: string) => ({ headers: { "x-forwarded-for": `${address}, 127.0.0.1` } })
  const url = `${node.httpUrl}socket.io/?EIO=3&transport=polling&b64=1`
  const begun = await (await fetch(url, by("203.0.113.7"))).text()
  const own = `${url}&sid=${/"sid":"([^"]+)"/.exec(begun)?.[1]}`
  expect((await fetch(own, { method: "POST", body: "1:2", ...by("203.0.113.8") })).status).toBe(400)
  expect((await fetch(own, { method: "POST", body: "1:2", ...by("203.0.113.7") })).status).toBe(200)
  await using plain = await EngineClient.connect(node.httpUrl, "polling")
  expect(await plain.drain()).toEqual([])
})

describe("what is no network", () => {
  test.each(["10.0.0.0/33", "example.org", "10.0.0.1-10.0.0.9"])("%s ends the start with a line", async (text) => {
    const { code, stderr } = await runExecutable(["--trust-proxy", text])
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: `palava-machine: --trust-proxy: must be an address or a network such as 10.0.0.0/8 or 2001:db8::/32, but is "${text}"\n`,
    })
  })
})
