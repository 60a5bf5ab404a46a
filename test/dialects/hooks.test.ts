// The hooks of plug-ins for y-webrtc, webrtc.io and TogetherJS: asked and told as for palava. Their clients cannot be
// told an error, so a refusal shows by what does not come, or by the end of the connection.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { join } from "node:path"
import { startNode, type TestNode } from "../helpers/node.ts"
import { poll } from "../helpers/redis.ts"
import { TextClient } from "./text-client.ts"

let node: TestNode
beforeAll(async () => {
  node = await startNode(["--plugin", join(import.meta.dir, "../plugins/fixtures/watching.ts")])
})
afterAll(() => node[Symbol.asyncDispose]())

/** What the plug-in has seen since the last call, up to the end of so many connections. */
async function seenBy(ends: number): Promise<string[]> {
  const seen: string[] = []
  await poll(async () => {
    seen.push(...((await (await fetch(`${node.adminUrl}seen`)).json()) as string[]))
    return seen.filter((one) => one === "disconnected").length === ends
  })
  return seen
}

test("y-webrtc", async () => {
  const ada = await TextClient.connect(node.url)
  const wish = { type: "subscribe", topics: ["closed", "open"] }
  ada.send(wish)
  ada.send({ type: "publish", topic: "open", data: 1 })
  ada.send({ type: "publish", topic: "closed", data: 1 })
  ada.send({ type: "ping" })
  expect(await ada.nextJson()).toEqual({ type: "publish", topic: "open", data: 1, clients: 1 })
  expect(await ada.next()).toBe('{"type":"pong"}')
  await ada.close()
  expect(await seenBy(1)).toEqual([
    `join closed ${JSON.stringify(wish)}`,
    "refused unauthorized",
    `join open ${JSON.stringify(wish)}`,
    "joined",
    'join closed {"type":"publish","topic":"closed","data":1}',
    "refused unauthorized",
    "left",
    "disconnected",
  ])
})

test("webrtc.io", async () => {
  const ada = await TextClient.connect(node.url)
  ada.send({ eventName: "join_room", data: { room: "closed" } })
  ada.send({ eventName: "join_room", data: { room: "open" } })
  const { data } = (await ada.nextJson()) as { data: { you: string } }
  ada.send({ eventName: "send_offer", data: { socketId: data.you, sdp: 1 } })
  ada.send({ eventName: "send_offer", data: { socketId: "nobody", sdp: 1 } })
  expect(await ada.nextJson()).toMatchObject({ eventName: "receive_offer" })
  await ada.close()
  expect(await seenBy(1)).toEqual([
    'join closed {"room":"closed"}',
    "refused unauthorized",
    'join open {"room":"open"}',
    "joined",
    "relayed true",
    "refused unknown_peer",
    "left",
    "disconnected",
  ])
})

test("TogetherJS", async () => {
  const out = await TextClient.connect(`${node.url}hub/closed`)
  expect(await out.closed).toEqual({ code: 4501, reason: "not authorized" })
  const ada = await TextClient.connect(`${node.url}hub/open`)
  expect(await ada.nextJson()).toEqual({ type: "init-connection", peerCount: 0 })
  await ada.close()
  expect(await seenBy(2)).toEqual([
    "join closed {}",
    "refused unauthorized",
    "disconnected",
    "join open {}",
    "joined",
    "left",
    "disconnected",
  ])
})

test("a connection is turned away before it has said anything", async () => {
  for (const path of ["", "hub/open"]) {
    const out = await TextClient.connect(`${node.url}${path}?no`)
    expect(await out.closed).toEqual({ code: 4501, reason: "not here" })
    expect(out.all).toEqual([])
  }
})
