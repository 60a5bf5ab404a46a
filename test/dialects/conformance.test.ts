// The same client actions against the original servers and against ours: the transcripts, all that each client heard
// and in which order, are the same. What differs is named where it is left out.

import { expect, test } from "bun:test"
import { startNode } from "../helpers/node.ts"
import { poll } from "../helpers/redis.ts"
import { startWebrtcIo, startYWebrtc } from "./originals.ts"
import { TextClient } from "./text-client.ts"

/** What each client heard, by its name. */
type Transcript = Record<string, unknown[]>

/** Clients by name, and what they have heard besides the answers they were only asked for to know that all has come. */
class Clients {
  readonly transcript: Transcript = {}
  readonly #clients = new Map<string, TextClient>()
  readonly #ids = new Map<string, string>()
  readonly #url: string
  /** Sends what is answered to this client alone, and says by what the answer is known. */
  readonly #ask: (client: TextClient, id: string) => (text: string) => boolean

  constructor(url: string, ask: (client: TextClient, id: string) => (text: string) => boolean) {
    this.#url = url
    this.#ask = ask
  }

  async connect(name: string): Promise<TextClient> {
    const client = await TextClient.connect(this.#url)
    this.#clients.set(name, client)
    this.transcript[name] = []
    return client
  }

  /** The id by which the server knows a client. */
  idOf(name: string): string {
    return this.#ids.get(name) ?? name
  }

  setId(name: string, id: string): void {
    this.#ids.set(name, id)
  }

  /** One client says something; then all write down what they heard of it. */
  async say(name: string, ...messages: readonly (object | string)[]): Promise<void> {
    for (const message of messages) this.#clients.get(name)?.send(message)
    await this.hear(name)
    for (const other of this.#clients.keys()) if (other !== name) await this.hear(other)
  }

  /** A client goes. */
  async close(name: string): Promise<void> {
    await this.#clients.get(name)?.close()
    this.#clients.delete(name)
  }

  /** Notes what came to a client up to now. */
  async hear(name: string): Promise<void> {
    const client = this.#clients.get(name) as TextClient
    const texts = (await client.upTo(this.#ask(client, this.idOf(name)))).slice(0, -1)
    this.transcript[name]?.push(...texts.map((text) => JSON.parse(this.#withNames(text))))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients.values()) client.terminate()
  }

  #withNames(text: string): string {
    for (const [name, id] of this.#ids) text = text.replaceAll(id, name)
    return text
  }
}

// Left out: texts that are no JSON and types that are no text end the original's process, or its client's connection.
async function playYWebrtc(url: string): Promise<Transcript> {
  await using clients = new Clients(url, (client) => {
    client.send({ type: "ping" })
    return (text) => text === '{"type":"pong"}'
  })
  const publish = (topic: unknown, data: unknown, more = {}) => ({ type: "publish", topic, data, ...more })
  for (const name of ["ada", "ben", "cem", "dan"]) await clients.connect(name)
  await clients.say("ada", { type: "subscribe", topics: ["one", "two"] })
  await clients.say("ada", publish("one", { type: "announce", from: "ada" }))
  await clients.say("ben", { type: "subscribe", topics: ["one"] }, publish("one", { type: "announce", from: "ben" }))
  await clients.say(
    "ada",
    publish("one", { type: "signal", to: "ben", from: "ada", token: 1.5, signal: { sdp: "ö🙂" } }),
  )
  await clients.say("cem", { type: "subscribe", topics: ["two", "two", 7, null, {}, "__proto__", ""] })
  await clients.say("cem", publish("two", "base64=="), publish("__proto__", [1, null]), publish("one", "stranger"))
  await clients.say("dan", publish("one", "nobody's"), publish("none", "unheard"), publish("", 1), publish(7, 1))
  await clients.say(
    "dan",
    { type: "subscribe" },
    { type: "subscribe", topics: [] },
    { type: "unsubscribe", topics: ["one"] },
  )
  await clients.say("dan", { type: "none" }, {}, [], "null", "7", '"ping"', { type: "publish" })
  await clients.say("ada", { type: "subscribe", topics: ["one"] }, publish("one", "again", { clients: 99, extra: [1] }))
  await clients.say("ada", { type: "unsubscribe", topics: ["one", "never"] }, publish("one", "from outside"))
  await clients.say("ben", publish("one", "last"), { type: "unsubscribe", topics: ["one"] }, publish("one", "unheard"))
  await clients.close("cem")
  // The end of a connection is noticed in its own time.
  await poll(async () => {
    await clients.say("ada", publish("two", "how many?"))
    const heard = clients.transcript["ada"] as { clients: number }[]
    const isNoticed = heard.at(-1)?.clients === 1
    if (!isNoticed) heard.pop()
    return isNoticed
  })
  return clients.transcript
}

// Left out: what ends the original's process (no JSON, no data); relays to who is in no room in common, which it passes
// on; joining a room twice, after which it has its member twice; and the end of who is in two rooms, of which it tells
// one of them.
async function playWebrtcIo(url: string): Promise<Transcript> {
  const event = (eventName: string, data: unknown) => ({ eventName, data })
  await using clients = new Clients(url, (client, id) => {
    const sdp = crypto.randomUUID()
    client.send(event("send_offer", { socketId: id, sdp }))
    return (text) => text.includes(sdp)
  })
  const join = async (name: string, room: unknown) => {
    const client = await clients.connect(name)
    client.send(event("join_room", { room }))
    const { data } = JSON.parse(await client.next()) as { data: { connections: string[]; you: string } }
    clients.setId(name, data.you)
    clients.transcript[name]?.push(
      data.connections.map((id) => ["ada", "ben", "cem", "dan"].find((one) => clients.idOf(one) === id)),
    )
    await clients.say(name)
  }
  await join("ada", "one")
  await join("ben", "one")
  await join("cem", "one")
  await join("dan", "")
  const to = (name: string) => ({ socketId: clients.idOf(name) })
  await clients.say("cem", event("send_offer", { ...to("ada"), sdp: { type: "offer", sdp: "v=0\r\nö🙂" }, more: 1 }))
  await clients.say("cem", event("send_offer", { ...to("ben"), sdp: null }), event("send_offer", to("ben")))
  await clients.say("ada", event("send_answer", { sdp: { type: "answer", sdp: "x" }, ...to("cem") }))
  await clients.say("ada", event("send_ice_candidate", { label: 0, candidate: "candidate:1", ...to("cem") }))
  await clients.say("ada", event("send_ice_candidate", { candidate: "candidate:2", ...to("cem") }))
  await clients.say("ada", event("send_ice_candidate", { label: "0", candidate: { a: 1 }, sdpMid: "0", ...to("ben") }))
  await clients.say("ada", event("send_offer", { socketId: "nobody", sdp: 1 }), event("send_answer", { socketId: 7 }))
  await clients.say("ben", event("unknown", {}), event("unknown", null), event("__proto__", {}), {}, [])
  await clients.close("ben")
  await poll(async () => {
    await clients.say("ada")
    return endsWithLeave(clients, "ada") && endsWithLeave(clients, "cem")
  })
  return clients.transcript
}

function endsWithLeave({ transcript }: Clients, name: string): boolean {
  return JSON.stringify(transcript[name]?.at(-1)).includes("remove_peer_connected")
}

test("y-webrtc: transcripts are the same", async () => {
  await using original = await startYWebrtc()
  await using ours = await startNode()
  const expected = await playYWebrtc(original.url)
  expect(expected["ben"]?.length).toBeGreaterThan(5)
  expect(await playYWebrtc(ours.url)).toEqual(expected)
})

test("webrtc.io: transcripts are the same", async () => {
  await using original = await startWebrtcIo()
  await using ours = await startNode()
  const expected = await playWebrtcIo(original.url)
  expect(expected["cem"]?.length).toBeGreaterThan(4)
  expect(await playWebrtcIo(ours.url)).toEqual(expected)
})
