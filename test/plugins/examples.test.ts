// The examples, as users would run them: the compiled executable, on one node and on two.

import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { createHmac } from "node:crypto"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { TestClient, type WireEvent } from "../helpers/client.ts"
import { EXAMPLES, startNodes, type TestNodes } from "./nodes.ts"
import { Receiver } from "./receiver.ts"

const example = (name: string) => ["--plugin", join(EXAMPLES, `${name}.ts`)]

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "palava-examples-"))
})
afterAll(async () => {
  await rm(folder, { recursive: true })
})

async function configFile(text: string): Promise<string> {
  const path = join(folder, `${crypto.randomUUID()}.toml`)
  await writeFile(path, text)
  return path
}

async function twoClients(nodes: TestNodes): Promise<[TestClient, TestClient]> {
  return [await TestClient.connect(nodes.first.url), await TestClient.connect(nodes.last.url)]
}

describe.each([1, 2] as const)("on %d node(s)", (count) => {
  test("hello greets who joins", async () => {
    await using nodes = await startNodes(count, example("hello"))
    const [a, b] = await twoClients(nodes)
    expect((await a.join("room"))["greeting"]).toBe("Welcome! You are number 1 here.")
    expect((await b.join("room"))["greeting"]).toBe("Welcome! You are number 2 here.")
  })

  test("chat history reaches who comes late, once, and ends with the room", async () => {
    const config = await configFile("[plugins.chat-history]\nmessages = 3\ncharacters = 10\n")
    await using nodes = await startNodes(count, [...example("chat-history"), "--config", config])
    const [a, b] = await twoClients(nodes)
    a.send({ event: "chat", text: "nobody", ref: 1 })
    expect(await a.next("error")).toMatchObject({ id: "not_in_room", ref: 1 })
    await a.join("room")
    a.send({ event: "chat", text: "far too long a text" })
    expect(await a.next("error")).toMatchObject({ id: "invalid_message" })
    for (const text of ["one", "two", "three", "four"]) {
      a.send({ event: "chat", text })
      expect(await a.next("chat")).toMatchObject({ text, peer_id: a.ownId })
    }

    const joined = await b.join("room")
    const seen = [...(joined["chat_history"] as { text: string }[])]
    if (seen.length === 0) seen.push(...((await b.next("chat_history"))["messages"] as { text: string }[]))
    expect(seen.map(({ text }) => text)).toEqual(["two", "three", "four"])

    b.send({ event: "chat", text: "five" })
    expect(await a.next("chat")).toMatchObject({ text: "five", peer_id: b.ownId })
    // The second one at the other node finds there what that node was told.
    const c = await TestClient.connect(nodes.last.url)
    expect(((await c.join("room"))["chat_history"] as { text: string }[]).map(({ text }) => text)).toEqual([
      "three",
      "four",
      "five",
    ])

    for (const client of [a, b, c]) {
      client.send({ event: "leave_room" })
      await client.drain()
    }
    const d = await TestClient.connect(nodes.first.url)
    expect((await d.join("room"))["chat_history"]).toEqual([])
    expect(await d.drain()).toEqual([])
  })

  test("the webhook tells of joins and leaves, signed, once, through failures", async () => {
    using receiver = new Receiver()
    receiver.answers.push(503, 500)
    const secret = "a secret of the receiver"
    const config = await configFile(
      `[plugins.webhook]\nurl = "${receiver.url}"\nsecret = "${secret}"\nfirst_pause_ms = 5\n`,
    )
    await using nodes = await startNodes(count, [...example("webhook"), "--config", config])
    const [a, b] = await twoClients(nodes)
    await a.join("attic-7")
    await b.join("attic-7")
    const left = a.next("peer_left")
    b.terminate()
    await left
    a.send({ event: "leave_room" })
    interface Batch {
      id: string
      events: { event: string; peer_id: string; room: string; at: number; stayed_ms?: number }[]
    }
    // What was answered with an error comes again under the same id.
    const batches = () => [...new Map(receiver.all.map(({ body }) => [(JSON.parse(body) as Batch).id, body])).values()]
    const events = () => batches().flatMap((body) => (JSON.parse(body) as Batch).events)
    await receiver.until((all) => events().length >= 4 && all.length >= batches().length + 2)

    expect(
      events()
        .map(({ event, peer_id }) => `${event} ${peer_id}`)
        .sort(),
    ).toEqual([`joined ${a.ownId}`, `joined ${b.ownId}`, `left ${a.ownId}`, `left ${b.ownId}`].sort())
    expect(new Set(events().map(({ room }) => room)).size).toBe(1)
    for (const { headers, body } of receiver.all) {
      const signature = createHmac("sha256", secret).update(body).digest("hex")
      expect(headers.get("x-palava-signature")).toBe(`sha256=${signature}`)
      expect(body).not.toContain("attic-7")
    }
    const sum = async (name: string) => {
      const values = await Promise.all(nodes.all.map((node) => node.metric(name)))
      return values.reduce((one, other) => one + other, 0)
    }
    expect(await sum("palava_webhook_retries_total")).toBe(2)
    expect(await sum("palava_webhook_events_lost_total")).toBe(0)
  })

  test("the waiting room: a host lets one in and turns one away", async () => {
    await using nodes = await startNodes(count, example("waiting-room"))
    const [host, guest] = await twoClients(nodes)
    const other = await TestClient.connect(nodes.last.url)
    expect(await host.join("room")).toMatchObject({ event: "joined_room", peers: [] })

    expect(await guest.join("room", { name: "Ada" })).toMatchObject({ event: "error", id: "waiting_for_host" })
    const knock = await host.next("knock")
    expect(knock["name"]).toBe("Ada")
    expect(await other.join("room", { name: "Bob" })).toMatchObject({ event: "error", id: "waiting_for_host" })
    const knockOfOther = await host.next("knock")

    // Only the host decides, and only about those who wait.
    other.send({ event: "let_in", peer_id: knockOfOther["peer_id"] })
    expect(await other.next("error")).toMatchObject({ id: "not_the_host" })
    host.send({ event: "let_in", peer_id: "nobody" })
    expect(await host.next("error")).toMatchObject({ id: "nobody_waiting" })

    host.send({ event: "let_in", peer_id: knock["peer_id"] })
    host.send({ event: "turn_away", peer_id: knockOfOther["peer_id"] })
    expect(await guest.next()).toEqual({ event: "let_in", room_id: "room" })
    expect(await other.next()).toEqual({ event: "turned_away", room_id: "room" })

    const joined = await guest.join("room")
    expect((joined["peers"] as WireEvent[]).map((peer) => peer["peer_id"])).toEqual([host.ownId])
    expect(await host.next("new_peer")).toMatchObject({ peer_id: guest.ownId })
    // Let in once is not let in for ever, and the next host is who has been there the longest.
    guest.send({ event: "leave_room" })
    await host.next("peer_left")
    expect(await guest.join("room")).toMatchObject({ id: "waiting_for_host" })
    await host.next("knock")
    host.send({ event: "leave_room" })
    await host.drain()
    expect(await guest.join("room")).toMatchObject({ event: "joined_room" })
    expect(await other.join("room")).toMatchObject({ id: "waiting_for_host" })
    expect(await guest.next("knock")).toMatchObject({ name: "" })
  })
})
