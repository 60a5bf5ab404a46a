// Plain HTTP: the page and health beside the socket, metrics on the operators' listener only.

import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { version } from "../../package.json" with { type: "json" }
import { TestClient } from "../helpers/client.ts"
import { startNode, type TestNode } from "../helpers/node.ts"
import { RawSocket } from "../helpers/raw-socket.ts"

let node: TestNode
beforeAll(async () => {
  node = await startNode()
})
afterAll(async () => {
  expect(node.complaints()).toBe("")
  await node[Symbol.asyncDispose]()
})

describe("the public listener", () => {
  test("the page at /, and below any path that ends with a slash", async () => {
    for (const path of ["", "palava/", "a/b/?x=1"]) {
      const answer = await fetch(node.httpUrl + path)
      expect([answer.status, answer.headers.get("content-type")]).toEqual([200, "text/html; charset=utf-8"])
      expect(answer.headers.get("content-security-policy")).toContain("default-src 'none'")
      expect(answer.headers.get("x-content-type-options")).toBe("nosniff")
      expect(await answer.text()).toStartWith("<!doctype html>")
    }
  })

  test("every answer of both listeners says what browsers must not do with it", async () => {
    const { port } = node
    const asked = [
      ...["", "client.js", "healthz", "readyz", "nowhere", "peerjs/id", "socket.io/1/"].map(
        (path) => node.httpUrl + path,
      ),
      ...["stats.html", "stats", "metrics", "nowhere", "healthz"].map((path) => node.adminUrl + path),
    ]
    const answers = await Promise.all(asked.map((url) => fetch(url)))
    // A handshake that is none, of a kind that is none, and a name that the operators' listener does not have.
    answers.push(await fetch(`http://127.0.0.1:${port}/`, { headers: { connection: "upgrade", upgrade: "websocket" } }))
    answers.push(await fetch(`${node.adminUrl}metrics`, { headers: { host: "evil.example" } }))
    for (const { url, headers } of answers) {
      expect([url, headers.get("content-security-policy")]).toEqual([
        url,
        expect.stringContaining("frame-ancestors 'self'"),
      ])
      expect([url, headers.get("x-content-type-options")]).toEqual([url, "nosniff"])
      expect([url, headers.get("referrer-policy")]).toEqual([url, "no-referrer"])
    }
  })

  test("it is compressed for who asks, and not sent again to who has it", async () => {
    const plain = await fetch(node.httpUrl, { headers: { "accept-encoding": "identity" } })
    expect(plain.headers.get("content-encoding")).toBeNull()
    const packed = await fetch(node.httpUrl, { headers: { "accept-encoding": "gzip" } })
    expect(packed.headers.get("content-encoding")).toBe("gzip")
    expect(await packed.text()).toBe(await plain.text())
    const again = await fetch(node.httpUrl, { headers: { "if-none-match": plain.headers.get("etag") ?? "" } })
    expect([again.status, await again.text()]).toEqual([304, ""])
  })

  test("HEAD has no body, other methods are refused", async () => {
    const head = await fetch(node.httpUrl, { method: "HEAD" })
    expect([head.status, await head.text()]).toEqual([200, ""])
    for (const method of ["POST", "PUT", "DELETE"]) {
      const answer = await fetch(node.httpUrl, { method })
      expect([answer.status, answer.headers.get("allow")]).toEqual([405, "GET, HEAD"])
    }
  })

  test("health", async () => {
    expect(await textOf("healthz")).toEqual([200, "ok\n"])
    expect(await textOf("readyz")).toEqual([200, "ready\n"])
  })

  test("readiness as JSON, for who accepts it", async () => {
    for (const url of [node.httpUrl, node.adminUrl]) {
      const answer = await fetch(`${url}readyz`, { headers: { accept: "application/json" } })
      expect([answer.status, answer.headers.get("content-type")]).toEqual([
        200,
        expect.stringContaining("application/json"),
      ])
      expect(await answer.json()).toEqual({
        ready: true,
        reasons: [],
        node: expect.stringMatching(/^[\w-]{36}$/),
        version,
        store: { kind: "memory", state: "up" },
      })
    }
  })

  test("health without a Host, as HAProxy asks for it", async () => {
    for (const request of ["OPTIONS /healthz HTTP/1.0\r\n\r\n", "GET /readyz HTTP/1.0\r\n\r\n"]) {
      for (const port of [node.port, node.adminPort]) {
        using raw = await RawSocket.connect(port, request)
        await raw.waitUntil(() => raw.head !== "", "an answer")
        expect(raw.head).toStartWith("HTTP/1.1 200 ")
      }
    }
  })

  test("what is not there, is not there", async () => {
    for (const path of ["metrics", "nothing", "healthz/x", "__proto__", "constructor", "..%2fetc%2fpasswd"]) {
      expect((await fetch(node.httpUrl + path)).status).toBe(404)
    }
  })

  test("an upgrade to something else is no WebSocket", async () => {
    const request = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
    using raw = await RawSocket.connect(node.port, request)
    await raw.waitUntil(() => raw.head !== "", "an answer")
    expect(raw.head).toStartWith("HTTP/1.1 200 ")
  })

  test("--no-page leaves the rest", async () => {
    await using bare = await startNode(["--no-page"])
    const answer = await fetch(bare.httpUrl)
    expect([answer.status, await answer.text()]).toEqual([
      404,
      "this is a WebSocket server: connect with the palava protocol\n",
    ])
    expect((await fetch(`${bare.httpUrl}healthz`)).status).toBe(200)
    await using client = await TestClient.connect(bare.url)
    expect((await client.join("bare")).event).toBe("joined_room")
  })
})

describe("the operators' listener", () => {
  test("health and metrics, and a list of what there is", async () => {
    expect(await (await fetch(`${node.adminUrl}healthz`)).text()).toBe("ok\n")
    expect(await (await fetch(`${node.adminUrl}readyz`)).text()).toBe("ready\n")
    const answer = await fetch(`${node.adminUrl}nothing`)
    expect(answer.status).toBe(404)
    expect(await answer.text()).toContain("/metrics\n")
    for (const path of ["__proto__", "constructor"]) expect((await fetch(node.adminUrl + path)).status).toBe(404)
  })

  test("a Host that is no URL gets 400", async () => {
    using raw = await RawSocket.connect(node.adminPort, "GET /metrics HTTP/1.1\r\nHost: [\r\n\r\n")
    await raw.waitUntil(() => raw.head !== "", "an answer")
    expect(raw.head).toStartWith("HTTP/1.1 400 ")
  })

  test("metrics are in the Prometheus text format, each with help and type", async () => {
    const answer = await fetch(`${node.adminUrl}metrics`)
    expect(answer.headers.get("content-type")).toStartWith("text/plain; version=0.0.4")
    const text = await answer.text()
    const sample =
      /^[a-zA-Z_:][a-zA-Z0-9_:]*(\{[a-zA-Z_][a-zA-Z0-9_]*="[^"]*"(,[a-zA-Z_][a-zA-Z0-9_]*="[^"]*")*\})? \S+$/
    for (const line of text.trimEnd().split("\n"))
      if (line !== "" && !line.startsWith("# ")) expect(line).toMatch(sample)
    for (const name of [
      "palava_connections",
      "palava_rooms",
      "palava_messages_total",
      "palava_errors_total",
      "palava_room_created_total",
      "palava_room_closed_total",
      "palava_joined_room_total",
      "palava_leave_room_total",
      "palava_duration_room_milliseconds",
      "palava_room_peak_users_total",
    ]) {
      expect(text).toContain(`# TYPE ${name} `)
      expect(text).toContain(`# HELP ${name} `)
    }
  })

  test("they count what happens", async () => {
    await using counted = await startNode()
    await using first = await TestClient.connect(counted.url)
    await using second = await TestClient.connect(counted.url)
    await first.join("count")
    await second.join("count")
    first.send({ event: "send_to_peer", peer_id: second.ownId, data: { event: "message" } })
    first.send({ event: "send_to_peer", peer_id: "nobody", data: { event: "message" } })
    first.send({ event: "fly" })
    first.send({ event: "constructor" })
    await first.drain()
    expect(await counted.metric("palava_connections")).toBe(2)
    expect(await counted.metric("palava_rooms")).toBe(1)
    expect(await counted.metric("palava_joined_room_total")).toBe(2)
    expect(await counted.metric("palava_messages_total", 'event="join_room"')).toBe(2)
    expect(await counted.metric("palava_messages_total", 'event="send_to_peer"')).toBe(2)
    expect(await counted.metric("palava_messages_total", 'event="ping"')).toBe(1)
    expect(await counted.metric("palava_messages_total", 'event="other"')).toBe(2)
    expect(await counted.metric("palava_errors_total", 'id="unknown_event"')).toBe(2)
    expect(await counted.metric("palava_errors_total", 'id="unknown_peer"')).toBe(1)
    second.send({ event: "leave_room" })
    await second.drain()
    await first.close()
    await second.drain()
    while ((await counted.metric("palava_rooms")) > 0);
    expect(await counted.metric("palava_leave_room_total")).toBe(2)
    expect(await counted.metric("palava_room_closed_total")).toBe(1)
    expect(await counted.metric("palava_room_peak_users_total_bucket", 'le="1"')).toBe(0)
    expect(await counted.metric("palava_room_peak_users_total_bucket", 'le="2"')).toBe(1)
    expect(await counted.metric("palava_duration_room_milliseconds_count")).toBe(1)
  })

  test("off means off", async () => {
    await using off = await startNode(["--admin-listen", "off"])
    expect(off.adminPort).toBe(0)
    expect((await fetch(`${off.httpUrl}metrics`)).status).toBe(404)
  })

  test("room names and peer ids are nowhere in metrics or logs", async () => {
    await using quiet = await startNode(["--log-level", "debug"])
    await using client = await TestClient.connect(quiet.url)
    await client.join("a very secret room", { name: "a very secret name" })
    const metrics = await (await fetch(`${quiet.adminUrl}metrics`)).text()
    for (const secret of ["very secret", client.ownId]) expect(metrics + quiet.log()).not.toContain(secret)
  })
})

async function textOf(path: string): Promise<[number, string]> {
  const answer = await fetch(node.httpUrl + path)
  return [answer.status, await answer.text()]
}
