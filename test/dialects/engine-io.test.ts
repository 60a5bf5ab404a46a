// The transport below SimpleWebRTC's dialect: answers and errors by the letter, who may speak for a session, upgrades that
// are finished and those that are not, and what bounds a client that polls.

import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { createConnection } from "node:net"
import { join } from "node:path"
import { startNode, type TestNode } from "../helpers/node.ts"
import { poll } from "../helpers/redis.ts"
import { EngineClient, engineUrl, toPayload } from "./engine-client.ts"
import { ask, connectReal, once } from "./real-client.ts"

/** The shortest silence a node can be told to bear. */
const SHORT = ["--ping-seconds", "5", "--dead-seconds", "10"]

let node: TestNode
beforeAll(async () => {
  node = await startNode(["--max-backlog-bytes", "65536", ...SHORT])
})
afterAll(async () => {
  await poll(async () => (await node.metric("palava_connections")) === 0)
  expect(node.complaints()).toBe("")
  await node[Symbol.asyncDispose]()
})

const UNKNOWN = { code: 1, message: "Session ID unknown" }
const BAD_REQUEST = { code: 3, message: "Bad request" }

const errorOf = async (response: Response | Promise<Response>): Promise<unknown> => {
  const { status, headers } = await response
  return [status, headers.get("content-type"), await (await response).json()]
}
const refused = (error: object, status = 400) => [status, "application/json", error]

describe("HTTP", () => {
  test("the handshake is one packet, in bytes or in text", async () => {
    const bytes = await fetch(engineUrl(node.httpUrl, "polling"))
    const [zero, ...rest] = new Uint8Array(await bytes.arrayBuffer())
    expect([bytes.headers.get("content-type"), zero]).toEqual(["application/octet-stream", 0])
    const packet = Buffer.from(rest.slice(rest.indexOf(0xff) + 1)).toString()
    expect(Number(rest.slice(0, rest.indexOf(0xff)).join(""))).toBe(packet.length)
    expect(packet).toMatch(
      /^0\{"sid":"[0-9a-f-]{36}","upgrades":\["websocket"\],"pingInterval":5000,"pingTimeout":10000\}$/,
    )
    const text = await fetch(engineUrl(node.httpUrl, "polling", { b64: "1", t: "x" }))
    expect(text.headers.get("content-type")).toBe("text/plain; charset=UTF-8")
    expect(await text.text()).toMatch(/^\d+:0\{"sid":"[^"]+",.*\}$/)
    for (const response of [packet, await (await fetch(engineUrl(node.httpUrl, "polling"))).text()]) {
      const sid = /"sid":"([^"]+)"/.exec(response)?.[1] ?? ""
      expect(
        await (await fetch(engineUrl(node.httpUrl, "polling", { sid }), { method: "POST", body: "1:1" })).text(),
      ).toBe("ok")
    }
  })

  test.each([
    ["no transport", "", "GET", { code: 0, message: "Transport unknown" }],
    ["an unknown transport", "transport=smoke&EIO=3", "GET", { code: 0, message: "Transport unknown" }],
    ["an unknown session", "transport=polling&EIO=3&sid=nobody", "GET", UNKNOWN],
    ["a POST to it", "transport=polling&EIO=3&sid=nobody", "POST", UNKNOWN],
    ["a POST that begins", "transport=polling&EIO=3", "POST", { code: 2, message: "Bad handshake method" }],
    ["a WebSocket without one", "transport=websocket&EIO=3", "GET", BAD_REQUEST],
    ["a later version", "transport=polling&EIO=4", "GET", { code: 5, message: "Unsupported protocol version" }],
    ["a DELETE", "transport=polling&EIO=3&sid=nobody", "DELETE", BAD_REQUEST],
  ])("%s is refused", async (_what, query, method, error) => {
    const response = await fetch(`${node.httpUrl}socket.io/?${query}`, { method, headers: { origin: "http://page" } })
    expect([
      response.headers.get("access-control-allow-origin"),
      response.headers.get("access-control-allow-credentials"),
    ]).toEqual(["http://page", "true"])
    expect(await errorOf(response)).toEqual(refused(error))
  })

  test("CORS names the origin, with credentials, in every answer; OPTIONS tells what may be sent", async () => {
    const headers = { origin: "https://page.example" }
    const begin = await fetch(engineUrl(node.httpUrl, "polling", { b64: "1" }), { headers })
    const sid = /"sid":"([^"]+)"/.exec(await begin.text())?.[1] ?? ""
    const url = engineUrl(node.httpUrl, "polling", { sid })
    const answers = [
      begin,
      await fetch(url, { method: "OPTIONS", headers }),
      await fetch(url, { headers }),
      await fetch(url, { method: "POST", body: "no payload", headers }),
      await fetch(url, { method: "POST", body: "1:1", headers }),
    ]
    for (const { headers } of answers) {
      expect([headers.get("access-control-allow-origin"), headers.get("access-control-allow-credentials")]).toEqual([
        "https://page.example",
        "true",
      ])
    }
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 400, 200])
    expect(answers[1]?.headers.get("access-control-allow-headers")).toBe("Content-Type")
  })

  test("a page of another origin is refused where origins are given", async () => {
    await using strict = await startNode(["--origin", "https://good.example"])
    const begin = (origin: string) => fetch(engineUrl(strict.httpUrl, "polling"), { headers: { origin } })
    expect([(await begin("https://bad.example")).status, (await begin("https://good.example")).status]).toEqual([
      403, 200,
    ])
  })
})

describe("a session", () => {
  test("is its owner's alone: others who know its id are told that there is none", async () => {
    await using ada = await EngineClient.connect(node.httpUrl, "polling")
    const forged = { method: "POST", body: toPayload(['42["join","forged"]']) }
    expect(await errorOf(fetch(ada.pollUrl, { ...forged, headers: { "x-forwarded-for": "127.0.0.1" } }))).toEqual(
      refused(UNKNOWN),
    )
    const request = `GET ${ada.pollUrl.slice(node.httpUrl.length - 1)} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`
    expect(await from("127.0.0.2", request)).toContain('{"code":1,"message":"Session ID unknown"}')
    const upgrade = request
      .replace("polling", "websocket")
      .replace("connection: close", "connection: upgrade\r\nupgrade: websocket")
    expect(await from("127.0.0.2", upgrade)).toContain('{"code":1,"message":"Session ID unknown"}')
    expect(await ada.drain()).toEqual([])
    await ada.close()
  })

  test("behind a proxy is told apart by the address the proxy wrote last", async () => {
    const by = (address: string) => ({ headers: { "x-forwarded-for": `9.9.9.9, ${address}` } })
    const begin = await fetch(engineUrl(node.httpUrl, "polling", { b64: "1" }), by("10.0.0.1"))
    const sid = /"sid":"([^"]+)"/.exec(await begin.text())?.[1] ?? ""
    const post = (headers: object) =>
      fetch(engineUrl(node.httpUrl, "polling", { sid }), { method: "POST", body: "1:1", ...headers })
    expect((await post(by("10.0.0.2"))).status).toBe(400)
    expect((await post({})).status).toBe(400)
    expect((await post(by("10.0.0.1"))).status).toBe(200)
  })

  test("ends with its goodbye; what comes behind it is for nobody", async () => {
    const ada = await EngineClient.connect(node.httpUrl, "polling")
    await ada.close()
    expect(await errorOf(fetch(ada.pollUrl))).toEqual(refused(UNKNOWN))
    expect(await errorOf(ada.post("1:2"))).toEqual(refused(UNKNOWN))
  })

  test("ends when two GETs wait, as in the original", async () => {
    await using ada = await EngineClient.begin(node.httpUrl)
    await fetch(ada.pollUrl)
    const statuses = await Promise.all([fetch(ada.pollUrl), fetch(ada.pollUrl)].map(async (one) => (await one).status))
    expect(statuses.sort()).toEqual([200, 500])
    expect(await errorOf(fetch(ada.pollUrl))).toEqual(refused(UNKNOWN))
  })

  test("takes no body that is no payload, and ends by one over the limit", async () => {
    await using ada = await EngineClient.connect(node.httpUrl, "polling")
    for (const body of [
      "",
      "x",
      ":",
      "1:",
      "2:4",
      "-1:4",
      "1e1:4",
      "4",
      "1:2junk",
      "1:\u0100",
      "2:\u00c3(",
      "999999999:2",
    ]) {
      expect(await errorOf(ada.post(body))).toEqual(refused(BAD_REQUEST))
    }
    for (const bytes of [
      [0, 1, 255, 50],
      [0x31, 0x3a, 0xff],
    ]) {
      expect(await errorOf(ada.post(Uint8Array.from(bytes)))).toEqual(refused(BAD_REQUEST))
    }
    expect(await ada.drain()).toEqual([])
    expect((await ada.post(toPayload([`42["x","${"x".repeat(65_536)}"]`]))).status).toBe(413)
    await ada.closed
    await using ben = await EngineClient.connect(node.httpUrl, "polling")
    expect((await ben.post("x".repeat(17 * 65_536))).status).toBe(413)
    await ben.closed
  })

  test("ends when more waits for it than a slow reader may leave", async () => {
    await using ada = await EngineClient.connect(node.httpUrl)
    await using ben = await EngineClient.begin(node.httpUrl)
    await ben.post(toPayload(['42["join","slow"]']))
    expect(await ada.ask("join", "slow")).toMatchObject([null, { clients: { [ben.id]: {} } }])
    const before = await node.metric("palava_connections_closed_total", "too_slow")
    for (let at = 0; at < 8; at++) ada.emit("message", { to: ben.id, text: "x".repeat(10_000) })
    await ada.next(`42["remove",{"id":"${ben.id}"}]`)
    expect((await node.metric("palava_connections_closed_total", "too_slow")) - before).toBe(1)
    expect(await errorOf(fetch(ben.pollUrl))).toEqual(refused(UNKNOWN))
  })

  test("counts as a connection, and one that is silent is dead", async () => {
    await using small = await startNode(["--max-connections", "1", ...SHORT])
    await using _ada = await EngineClient.begin(small.httpUrl)
    expect(await small.metric("palava_connections")).toBe(1)
    expect((await fetch(engineUrl(small.httpUrl, "polling"))).status).toBe(503)
    await using node = await startNode(SHORT)
    await using _ben = await EngineClient.begin(node.httpUrl)
    expect(await node.metric("palava_connections")).toBe(1)
    await poll(async () => (await node.metric("palava_connections")) === 0, 30_000)
    expect(await node.metric("palava_connections_closed_total", "silent")).toBe(1)
    expect((await fetch(engineUrl(small.httpUrl, "polling"))).status).toBe(200)
  })
})

describe("an upgrade", () => {
  test("loses nothing and keeps the order of what was said meanwhile", async () => {
    await using ada = await EngineClient.connect(node.httpUrl)
    await using ben = await EngineClient.begin(node.httpUrl)
    await ben.post(toPayload(['420["join","moving"]']))
    await ada.ask("join", "moving")
    const say = (n: number) => ada.emit("message", { to: ben.id, n })
    for (let n = 0; n < 100; n++) say(n)
    const upgraded = ben.upgrade()
    for (let n = 100; n < 300; n++) {
      say(n)
      if (n % 20 === 0) await ada.drain()
    }
    await upgraded
    for (let n = 300; n < 400; n++) say(n)
    await ben.next(/"n":399,/)
    const heard = ben.all
      .filter((packet) => packet.startsWith('42["message"'))
      .map((packet) => /"n":(\d+)/.exec(packet)?.[1])
    expect(heard).toEqual(Array.from({ length: 400 }, (_, n) => String(n)))
    expect(await errorOf(fetch(ben.pollUrl))).toEqual(refused(BAD_REQUEST))
    expect(await errorOf(ben.post(toPayload(['42["leave"]'])))).toEqual(refused(BAD_REQUEST))
    expect(await ada.drain()).toEqual([])
  })

  test("that breaks off leaves the client polling; only one at a time is begun", async () => {
    await using ada = await EngineClient.connect(node.httpUrl, "polling")
    const open = () => new WebSocket(engineUrl(node.httpUrl, "websocket", { sid: ada.id }).replace("http", "ws"))
    const probe = async (...packets: string[]): Promise<WebSocket> => {
      const socket = open()
      await new Promise((resolve) => socket.addEventListener("open", resolve))
      for (const packet of packets) socket.send(packet)
      return socket
    }
    const first = await probe("2probe")
    await new Promise((resolve) => first.addEventListener("message", resolve))
    const second = await probe()
    expect(await codeOf(second)).toBe(1002)
    first.terminate()
    for (const packets of [["4"], ['42["join","x"]'], ["2probe", "hello"], [""]]) {
      await poll(async () => {
        const socket = await probe(...packets)
        return (await codeOf(socket)) === 1002
      })
    }
    expect(await ada.ask("join", "still polling")).toEqual([null, { clients: {} }])
    await ada.close()
  })
})

describe("socket.io-client 1.7.4", () => {
  test.each([[["polling"]], [["websocket"]], [["polling", "websocket"]]])("by %p", async (transports) => {
    const ada = await connectReal(node.httpUrl, transports)
    const ben = await connectReal(node.httpUrl, transports)
    expect(await ask(ada, "join", "rööm🙂")).toEqual([null, { clients: {} }])
    const camera = { screen: false, video: true, audio: false }
    expect(await ask(ben, "join", "rööm🙂")).toEqual([null, { clients: { [ada.id]: camera } }])
    const heard = once(ada, "message")
    ben.emit("message", { to: ada.id, type: "chat", payload: "früher 🙂" })
    expect(await heard).toEqual([{ to: ada.id, type: "chat", payload: "früher 🙂", from: ben.id }])
    const removed = once(ada, "remove")
    ben.disconnect()
    expect(await removed).toEqual([{ id: expect.any(String) }])
    ada.disconnect()
  })
})

test("plug-ins are asked for a connection and a join, and told of both", async () => {
  const plugin = join(import.meta.dir, "fixtures/doorman.ts")
  await using guarded = await startNode(["--plugin", plugin])
  expect((await fetch(engineUrl(guarded.httpUrl, "polling", { door: "closed" }))).status).toBe(403)
  for (const way of ["polling", "websocket", "upgrade"] as const) {
    await using ada = await EngineClient.connect(guarded.httpUrl, way)
    expect(await ada.ask("join", "locked")).toEqual(["locked"])
    expect(await ada.ask("create", "locked")).toEqual(["locked"])
    expect(await ada.ask("join", "open")).toEqual([null, { clients: {} }])
    await ada.close()
  }
  await poll(async () => (await guarded.metric("palava_doorman_gone_total")) === 3)
  expect(await guarded.metric("palava_doorman_joined_total")).toBe(3)
  expect(await guarded.metric("palava_errors_total", 'dialect="simplewebrtc",id="other"')).toBe(6)
  expect(await guarded.metric("palava_messages_total", 'dialect="simplewebrtc",event="join"')).toBe(6)
})

/** What the answer to a request is that comes from another address of this machine. */
function from(localAddress: string, request: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ port: node.port, host: "127.0.0.1", localAddress })
    let answer = ""
    socket.on("data", (bytes) => {
      answer += bytes
      if (answer.includes("}")) socket.destroy()
    })
    socket.on("close", () => resolve(answer)).on("error", reject)
    socket.write(request)
  })
}

function codeOf(socket: WebSocket): Promise<number> {
  return new Promise((resolve) => socket.addEventListener("close", ({ code }) => resolve(code)))
}
