// 10,000 frames and requests that no good client sends, over polling, upgrades and WebSockets, while two honest clients
// talk: these are unharmed, and of the others nothing is left.
//
// SEED=n runs one seed again, as it is printed by a failure.

import { expect, test } from "bun:test"
import { startNode, type TestNode } from "../helpers/node.ts"
import { Random } from "../helpers/random.ts"
import { poll, startRedis } from "../helpers/redis.ts"
import { EngineClient, engineUrl, toPayload, type Way } from "./engine-client.ts"

const SEED = Number(process.env["SEED"] || Math.floor(Math.random() * 2 ** 31))

const TOTAL = 10_000

/** Attackers at once. */
const AT_ONCE = 40

/** 64 KiB, as the server has it if not told otherwise. */
const FRAME_BYTES = 65_536

const PACKETS = [
  '42["join","r0"]',
  '420["join","r1"]',
  '421["create","r2"]',
  '422["create",null]',
  '42["create","r0"]',
  '42["leave"]',
  '42["shareScreen"]',
  '42["unshareScreen"]',
  '42["message",{"to":"TO","type":"offer","payload":{"sdp":"v=0"},"from":"TO"}]',
  '42["message",{"to":"TO","to":1,"__proto__":{"to":"TO"}}]',
  '42["message",{"to":{"to":"TO"}}]',
  '42["message",null]',
  '42["message","TO"]',
  '42["message"]',
  '42["join",{"__proto__":{"x":1}}]',
  '42["__proto__","x"]',
  '42["constructor"]',
  '42["toString",1]',
  '42["remove",{"id":"TO"}]',
  '42["connect"]',
  '42["",""]',
  "42[]",
  "42[1]",
  "42{}",
  "42",
  "42[",
  '42999999999999999999["join","x"]',
  '42/room,["join","x"]',
  `42["join","${"\u{1f642}".repeat(2_000)}"]`,
  `42["join",${"[".repeat(20_000)}${"]".repeat(20_000)}]`,
  `42["message",{"to":"TO","deep":${'{"a":'.repeat(5_000)}1${"}".repeat(5_000)}}]`,
  `42["join",${"[".repeat(30_000)}`,
  '451-["x",{"_placeholder":true,"num":0}]',
  "40",
  "41",
  "43",
  '430["x"]',
  "44",
  "4",
  "0",
  "1",
  "2",
  "2probe",
  "3probe",
  "5",
  "6",
  "7",
  "b4AQI=",
  "",
  " ",
  "\u0000",
  "\u{1f642}",
  `2${"x".repeat(FRAME_BYTES - 1)}`,
  `2${"x".repeat(FRAME_BYTES)}`,
]

/** One who sends what it likes. */
class Attacker {
  /** Frames and requests. */
  sent = 0
  readonly #node: TestNode
  readonly #random: Random
  readonly #honest: readonly EngineClient[]
  /** Of sessions that were closed, or never were. */
  readonly #foreign: string[] = ["nobody", "__proto__", "", "0", "x".repeat(5_000)]

  constructor(node: TestNode, random: Random, honest: readonly EngineClient[]) {
    this.#node = node
    this.#random = random
    this.#honest = honest
  }

  async attack(): Promise<void> {
    const ways = { websocket: 3, polling: 3, upgrade: 3, strange: 3 }
    await this[this.#random.weighted(ways)]().catch((cause: unknown) => {
      // The server may hang up on it at any moment.
      if (!(cause instanceof Error) || cause.name === "TypeError") throw cause
    })
  }

  async websocket(): Promise<void> {
    await this.#talk(engineUrl(this.#node.httpUrl, "websocket"), this.#packets(12))
  }

  /** A session of its own: packets, overlapping polls, polls broken off, a goodbye or none. */
  async polling(): Promise<void> {
    const random = this.#random
    const url = await this.#begin()
    for (let step = 0; step < 6; step++) {
      const abort = new AbortController()
      const get = this.#fetch(url, { signal: abort.signal })
      await this.#fetch(url, { method: "POST", body: this.#body() })
      if (random.chance(0.5)) abort.abort()
      else if (random.chance(0.2)) await this.#fetch(url, { method: "POST", body: "1:1" })
      await Promise.race([get, this.#fetch(url, { method: "OPTIONS" })])
      abort.abort()
    }
    if (random.chance(0.5)) this.#foreign.push(new URL(url).searchParams.get("sid") ?? "")
  }

  /** Upgrades that are half done, done twice, or done with what does not belong there. */
  async upgrade(): Promise<void> {
    const random = this.#random
    const url = await this.#begin()
    const abort = new AbortController()
    const get = this.#fetch(url, { signal: abort.signal })
    const socket = url.replace("transport=polling", "transport=websocket")
    const hello = random.pick([[], ["2probe"], ["2probe", "5"], ["5"], ["2probe", "2probe", "5", "5"]]) ?? []
    const talks = [this.#talk(socket, [...hello, ...this.#packets(6)])]
    if (random.chance(0.3)) talks.push(this.#talk(socket, ["2probe", "5"]))
    await this.#fetch(url, { method: "POST", body: this.#body() })
    await Promise.all(talks)
    abort.abort()
    await get
  }

  /** Requests for what is not its own, and for what is nothing. */
  async strange(): Promise<void> {
    const random = this.#random
    for (let step = 0; step < 8; step++) {
      const sid = random.chance(0.5) ? (random.pick(this.#honest)?.id ?? "") : (random.pick(this.#foreign) ?? "")
      const query = new URLSearchParams()
      if (random.chance(0.9))
        query.set("transport", random.pick(["polling", "polling", "websocket", "smoke", ""]) ?? "")
      if (random.chance(0.9)) query.set("EIO", random.pick(["3", "3", "3", "4", "__proto__"]) ?? "")
      if (random.chance(0.9)) query.set("sid", sid)
      if (random.chance(0.3)) query.set("b64", "1")
      const url = `${this.#node.httpUrl}socket.io/${random.pick(["", "", "", "x/", "%00", "../socket.io/"])}?${query}`
      const headers = { "x-forwarded-for": "6.6.6.6" }
      const method = random.pick(["GET", "POST", "POST", "PUT", "DELETE", "OPTIONS", "HEAD"]) ?? ""
      if (random.chance(0.3)) await this.#talk(url, ["2probe", "5", ...this.#packets(3)], headers)
      else if (method === "POST" || method === "PUT") await this.#fetch(url, { method, headers, body: this.#body() })
      else await this.#fetch(url, { method, headers })
    }
  }

  async #begin(): Promise<string> {
    const response = await fetch(engineUrl(this.#node.httpUrl, "polling", { b64: "1" }))
    this.sent++
    const sid = /"sid":"([^"]+)"/.exec(await response.text())?.[1] ?? ""
    return engineUrl(this.#node.httpUrl, "polling", { sid, b64: "1" })
  }

  #packets(most: number): string[] {
    return Array.from({ length: 1 + this.#random.below(most) }, () => this.#packet())
  }

  #packet(): string {
    const random = this.#random
    const to = random.pick(this.#honest)?.id ?? ""
    const packet = (random.pick(PACKETS) ?? "").replaceAll("TO", to)
    if (random.chance(0.7)) return packet
    const at = random.below(packet.length + 1)
    const piece = random.pick(["", '"', "]", "\\", "\ud800", "0", ",", "\u00ff"]) ?? ""
    return packet.slice(0, at) + piece + packet.slice(at + random.below(3))
  }

  #body(): string | Uint8Array<ArrayBuffer> {
    const random = this.#random
    const payload = toPayload(this.#packets(4).map((packet) => packet.slice(0, 10_000)))
    const kind = random.below(40)
    if (kind === 0) return "1:2".repeat(400_000)
    if (kind === 1) return Uint8Array.from({ length: 50 }, () => random.below(256))
    if (kind < 10) return payload.slice(random.below(payload.length))
    if (kind < 15) return payload.replace(/\d/, "9")
    return payload
  }

  async #fetch(url: string, options: RequestInit): Promise<void> {
    this.sent++
    try {
      await (await fetch(url, options)).arrayBuffer()
    } catch {
      // Broken off, by it or by the server.
    }
  }

  #talk(url: string, packets: readonly string[], headers: Record<string, string> = {}): Promise<void> {
    const socket = new WebSocket(url.replace("http", "ws"), { headers } as unknown as string[])
    this.sent++
    return new Promise((resolve) => {
      socket.onclose = () => resolve()
      socket.onerror = () => resolve()
      socket.onopen = () => {
        for (const packet of packets) {
          this.sent++
          if (this.#random.chance(0.02)) socket.send(Uint8Array.of(4, 1, 2))
          else socket.send(packet)
        }
        if (this.#random.chance(0.5)) socket.close()
        else socket.terminate()
      }
    })
  }
}

/** The node alone, and one of several, where polling is but the way to a WebSocket. */
const PLACES = [
  { place: "alone", total: TOTAL, way: "polling" },
  { place: "with Redis", total: TOTAL, way: "upgrade" },
] as const

test.each(PLACES)(
  "two honest clients are unharmed by bad frames and requests, of which nothing is left ($place)",
  async ({ place, total, way }) => {
    await using redis = place === "alone" ? undefined : await startRedis()
    const args = redis === undefined ? [] : ["--redis", redis.url]
    await using node = await startNode([
      ...args,
      "--ping-seconds",
      "5",
      "--dead-seconds",
      "10",
      "--rate-per-second",
      "0",
    ])
    try {
      await run(node, new Random(SEED), total, way)
    } catch (cause) {
      console.error(`to see it again: SEED=${SEED}`)
      throw cause
    }
  },
  60_000,
)

async function run(node: TestNode, random: Random, total: number, way: Way): Promise<void> {
  await using ada = await EngineClient.connect(node.httpUrl, "websocket")
  await using ben = await EngineClient.connect(node.httpUrl, way)
  const room = crypto.randomUUID()
  for (const client of [ada, ben]) await client.ask("join", room)
  let said = 0
  const attacker = new Attacker(node, random, [ada, ben])
  const attackers = Array.from({ length: AT_ONCE }, async () => {
    while (attacker.sent < total) {
      await attacker.attack()
      ada.emit("message", { to: ben.id, n: said })
      ben.emit("message", { to: ada.id, n: said })
      said++
    }
  })
  await Promise.all(attackers)
  for (const [client, other] of [
    [ada, ben],
    [ben, ada],
  ] as const) {
    await client.next(new RegExp(`"n":${said - 1},`))
    const heard = client.all.filter((packet) => packet.startsWith("42") && !packet.includes("servers"))
    expect(heard).toEqual(
      Array.from({ length: said }, (_, n) => `42["message",{"to":"${client.id}","n":${n},"from":"${other.id}"}]`),
    )
  }
  await poll(async () => (await node.metric("palava_connections")) === 2)
  expect(await node.metric("palava_rooms")).toBe(1)
  await ada.close()
  await ben.close()
  await poll(async () => (await node.metric("palava_connections")) + (await node.metric("palava_rooms")) === 0)
  expect(node.complaints()).toBe("")
}
