// What the browser client waits for, for how long, and how often it tries.

import { expect, test } from "bun:test"
import { createHash } from "node:crypto"
import { type AddressInfo, createServer } from "node:net"
import { comesBack, retryDelay } from "../../src/client/backoff.ts"
import { FakeServer, makeClient, refusalOf } from "../helpers/fake-server.ts"

test("a server that does not answer: the request times out, the connection is opened anew", async () => {
  using server = new FakeServer()
  using one = makeClient(server.url, { requestMs: 100 })
  server.answers["info"] = () => undefined
  await one.client.join("room")
  expect(await refusalOf(one.client.info())).toBe("timeout")
  expect(await one.client.ping()).toBeGreaterThan(0)

  using silent = makeClient(server.url, { pingEveryMs: 30, pongWithinMs: 30 })
  await silent.client.join("room")
  server.answers["ping"] = () => undefined
  const waiting = await silent.next("state", ({ name }) => name === "waiting")
  expect(waiting).toMatchObject({ code: 4008 })
})

test("requests are bounded, and end with the connection", async () => {
  using server = new FakeServer()
  server.answers["info"] = () => undefined
  using one = makeClient(server.url)
  await one.client.join("room")
  const asked = Array.from({ length: 65 }, () => refusalOf(one.client.info()))
  expect(await asked.at(-1)).toBe("too_many")
  one.client.close()
  expect(new Set(await Promise.all(asked.slice(0, 64)))).toEqual(new Set(["connection_lost"]))
})

test("nobody there: the join gives up after its time", async () => {
  using one = makeClient("ws://127.0.0.1:1/", { requestMs: 30 })
  expect(await refusalOf(one.client.join("room"))).toBe("timeout")
})

for (const url of ["no address", "ftp://127.0.0.1/"]) {
  test(`${url}: the join is refused, and another join too, with the reason`, async () => {
    using one = makeClient(url)
    const states: string[] = []
    one.client.on("state", ({ name }) => states.push(name))
    expect(await refusalOf(one.client.join("room"))).toBe("invalid_address")
    expect(one.client.state).toMatchObject({ name: "closed", reason: expect.stringContaining(url) })
    expect(await refusalOf(one.client.join("room"))).toBe("invalid_address")
    expect(states).toEqual(["closed", "closed"])
  })
}

test("which codes come back", () => {
  expect([1000, 1001, 1006, 1011, 1013, 4000, 4008, 4029, 4499].filter((code) => !comesBack(code))).toEqual([])
  expect([1003, 1009, 4500, 4501, 4999].filter(comesBack)).toEqual([])
})

test("waits grow by doubling to a limit, spread by chance, longer when the server is busy", () => {
  const timing = { firstMs: 500, longestMs: 15_000 }
  expect([0, 1, 2, 10, 1000].map((attempt) => retryDelay(attempt, timing, 1006, 1))).toEqual([
    500, 1000, 2000, 15_000, 15_000,
  ])
  expect(retryDelay(0, timing, 1006, 0)).toBe(250)
  expect([0, 0.5, 1].map((random) => retryDelay(0, timing, 1001, random))).toEqual([0, 500, 1000])
  expect(retryDelay(1, timing, 1001, 0)).toBe(500)
  expect(retryDelay(0, timing, 1013, 0)).toBe(2500)
  expect(retryDelay(0, timing, 1013, 1)).toBe(5000)
})

test("a server that reads nothing any more: a few messages wait, then they are refused", async () => {
  const server = createServer((socket) => {
    socket.once("data", (head) => {
      const key = /sec-websocket-key: (.*)\r/i.exec(String(head))?.[1]
      const accept = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64")
      const head101 = [
        "HTTP/1.1 101 ok",
        "Upgrade: websocket",
        "Connection: Upgrade",
        `Sec-WebSocket-Accept: ${accept}`,
      ]
      socket.write(`${head101.join("\r\n")}\r\n\r\n`)
      socket.once("data", () => {
        socket.pause()
        const joined = JSON.stringify({ event: "joined_room", own_id: "own", peers: [], ref: "1" })
        socket.write(Buffer.concat([Buffer.from([0x81, joined.length]), Buffer.from(joined)]))
      })
    })
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  using one = makeClient(`ws://127.0.0.1:${(server.address() as AddressInfo).port}/`)
  await one.client.join("room")
  const data = "x".repeat(60_000)
  // 32 MB: what the two kernels buffer, and a lot more than the client's 1 MiB on top.
  let sent = 0
  while (sent < 500 && one.client.send("b", { event: "message", data })) sent++
  expect(sent).toBeGreaterThan(15)
  expect(sent).toBeLessThan(500)
  server.close()
})
