// What a plug-in says of whom it lets in: identity, status, rights, number of members and the end of its time. Whoever
// comes back has them still, and a second plug-in can but restrict them more.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { TestClient } from "../helpers/client.ts"
import { Member } from "../resume/member.ts"
import { startNodes, type TestNodes } from "./nodes.ts"

/** Each says what the client asks for, so that a test can. */
const plugin = (name: string) => `import { admit, definePlugin } from "palava-machine"
export default definePlugin({
  name: "${name}",
  contract: 1,
  setup: () => ({
    join: ({ fields }) => (fields["${name}"] === undefined ? undefined : admit(fields["${name}"] as object)),
  }),
})
`

let folder: string
let nodes: TestNodes
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "palava-admit-"))
  const args = ["first", "second"].flatMap((name) => {
    const path = join(folder, `${name}.ts`)
    writeFileSync(path, plugin(name))
    return ["--plugin", path]
  })
  nodes = await startNodes(2, [...args, "--same-identity", "refuse"])
})
afterAll(async () => {
  await nodes[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true })
})

async function enter(room: string, grants: object, at: "first" | "last" = "first") {
  const client = await TestClient.connect(nodes[at].url)
  client.send({ event: "join_room", room_id: room, status: { name: "Ada", chosen: 1 }, ...grants })
  const answer = await client.nextWhere(({ event }) => event === "joined_room" || event === "error", "an answer")
  client.ownId = String(answer["own_id"])
  return { client, answer }
}

test("an identity is in the room once, over all nodes; in another room it is another matter", async () => {
  await enter("once", { first: { identity: "ada" } })
  expect((await enter("once", { first: { identity: "ada" } }, "last")).answer["id"]).toBe("identity_in_room")
  expect((await enter("once", { second: { identity: "ada" } }, "last")).answer["id"]).toBe("identity_in_room")
  // Who it is, the first one says.
  const grants = { first: { identity: "ben" }, second: { identity: "ada" } }
  expect((await enter("once", grants, "last")).answer.event).toBe("joined_room")
  expect((await enter("another", { first: { identity: "ada" } })).answer.event).toBe("joined_room")
})

test("status: its keys are not the client's to choose, and the first one's word counts", async () => {
  const { client: witness } = await enter("status", {})
  const first = { status: { name: "Grace", guest: true } }
  const { client } = await enter("status", { first, second: { status: { guest: false, more: 1 } } }, "last")
  const status = { name: "Grace", chosen: 1, guest: true, more: 1 }
  expect(await witness.next()).toEqual({ event: "new_peer", peer_id: client.ownId, status })
  client.send({ event: "update_status", status: { name: "Eve", guest: null, chosen: 2 } })
  expect((await witness.next("peer_updated_status"))["status"]).toEqual({ ...status, chosen: 2 })
})

test("can: what both allow; nobody locks unless it is said", async () => {
  const rightsOf = async (room: string, grants: object): Promise<string[]> => {
    const { client } = await enter(room, grants)
    const { client: other } = await enter(room, {}, "last")
    await client.next("new_peer")
    const rights: string[] = []
    const send = { event: "send_to_peer", peer_id: other.ownId, data: { event: "message" } }
    client.send({ ...send, ref: 1 })
    client.send({ event: "update_status", status: { changed: 1 }, ref: 2 })
    client.send({ event: "lock_room", ref: 3 })
    const told = [...(await client.drain()), ...(await other.drain())]
    const refused = told.filter(({ id }) => id === "unauthorized").map(({ ref }) => ref)
    for (const [at, right] of ["send", "status", "lock"].entries()) if (!refused.includes(at + 1)) rights.push(right)
    return rights
  }
  expect(await rightsOf("can 1", {})).toEqual(["send", "status"])
  expect(await rightsOf("can 2", { first: { can: ["lock", "send"] } })).toEqual(["send", "lock"])
  expect(await rightsOf("can 3", { first: { can: ["lock", "send"] }, second: { can: ["send", "status"] } })).toEqual([
    "send",
  ])
  expect(await rightsOf("can 4", { first: { can: [] } })).toEqual([])
})

test("peers and until: the lesser of both; also for who comes back, at whichever node", async () => {
  await enter("few", {})
  expect((await enter("few", { first: { peers: 1 }, second: { peers: 9 } }, "last")).answer["id"]).toBe("room_full")
  expect((await enter("few", { first: { peers: 2 } }, "last")).answer.event).toBe("joined_room")

  const { client: witness } = await enter("short", {})
  const until = Date.now() + 3_000
  const ports = [nodes.first.port, nodes.last.port]
  const grants = { first: { until, can: [] }, second: { until: until + 60_000 } }
  const ada = await Member.join(() => ports.shift() ?? nodes.last.port, "short", {}, grants)
  await witness.next("new_peer")
  ada.cut()
  expect((await ada.resume()).event).toBe("resumed")
  ada.say({ event: "update_status", status: { changed: 1 } })
  expect(await ada.next("error")).toMatchObject({ id: "unauthorized" })
  expect(await witness.next()).toEqual({ event: "peer_left", sender_id: ada.id })
  expect(Date.now()).toBeGreaterThanOrEqual(until)
  expect(await ada.socket.closed).toBe(4501)
})
