// The guarantees of order, over real sockets: many clients at once join, write, change and leave, and each one's view of
// it is judged event by event. (The seeded runs in test/fuzz do the same at random.)

import { expect, test } from "bun:test"
import { TestClient } from "../helpers/client.ts"
import { ClientView } from "../helpers/client-view.ts"
import { startNode } from "../helpers/node.ts"

const CLIENTS = 40
const MESSAGES = 5

test(`${CLIENTS} clients that join at once all meet, and all see the same`, async () => {
  await using node = await startNode()
  await using witness = await TestClient.connect(node.url)
  await witness.join("crowd")
  const clients = await Promise.all(Array.from({ length: CLIENTS }, () => TestClient.connect(node.url)))
  for (const client of clients) client.send({ event: "join_room", room_id: "crowd", status: { step: 0 } })
  const known = new Set([witness.ownId])
  for (const client of clients) {
    const joined = await client.next("joined_room")
    client.ownId = joined["own_id"] as string
    known.add(client.ownId)
  }
  for (let number = 0; number < MESSAGES; number++) {
    for (const client of clients) {
      for (const { ownId } of clients) {
        client.send({ event: "send_to_peer", peer_id: ownId, data: { event: "message", number } })
      }
      client.send({ event: "update_status", status: { step: number + 1 } })
    }
  }
  // Twice: the first proves that all requests were served, the second that all their effects have come.
  for (const client of [...clients, ...clients]) await client.drain()
  const half = clients.slice(0, CLIENTS / 2)
  for (const client of half) client.send({ event: "leave_room" })
  for (const client of [witness, ...clients, witness, ...clients]) await client.drain()

  const log = viewOf(witness)
  expect([...log.members.keys()].sort()).toEqual(
    clients
      .slice(CLIENTS / 2)
      .map(({ ownId }) => ownId)
      .sort(),
  )
  const changes = log.stays[0]?.changes ?? []
  for (const client of clients) {
    const view = viewOf(client)
    const [stay] = view.stays
    const hasLeft = half.includes(client)
    const from = changes.findIndex((change) => change.startsWith(`+${client.ownId}`)) + 1
    const seen = stay?.changes ?? []
    expect(seen).toEqual(changes.slice(from, from + seen.length))
    if (!hasLeft) expect(from + seen.length).toBe(changes.length)
    const met = [...(stay?.met.keys() ?? []), ...changes.slice(from).filter((change) => change[0] === "+")]
    expect(met.length).toBe(CLIENTS)
    const numbers = Array.from({ length: MESSAGES }, (_, number) => number)
    const senders = clients.map(({ ownId }) => [ownId, numbers] as const)
    expect(Object.fromEntries(stay?.heard ?? [])).toEqual(Object.fromEntries(senders))
    if (!hasLeft) expect(view.members).toEqual(membersBut(client, clients.slice(CLIENTS / 2), witness))
  }
  for (const client of clients) await client.close()
  expect(node.complaints()).toBe("")
})

test("what is sent before leaving arrives before peer_left, and nothing after it", async () => {
  await using node = await startNode()
  await using reader = await TestClient.connect(node.url)
  await reader.join("last words")
  for (let round = 0; round < 50; round++) {
    const writer = await TestClient.connect(node.url)
    await writer.join("last words")
    writer.send({ event: "send_to_peer", peer_id: reader.ownId, data: { event: "message", number: 1 } })
    writer.send({ event: "leave_room" })
    writer.send({ event: "send_to_peer", peer_id: reader.ownId, data: { event: "message", number: 2 }, ref: "late" })
    expect(await writer.next()).toEqual({
      event: "error",
      id: "not_in_room",
      message: "currently not in any room",
      description: "currently not in any room",
      ref: "late",
    })
    await writer.close()
    const heard = [await reader.next(), await reader.next(), await reader.next()]
    expect(heard).toEqual([
      { event: "new_peer", peer_id: writer.ownId, status: {} },
      { event: "message", number: 1, sender_id: writer.ownId },
      { event: "peer_left", sender_id: writer.ownId },
    ])
  }
  expect(await reader.drain()).toEqual([])
})

test("the answers of one session come in the order of its requests", async () => {
  await using node = await startNode()
  await using client = await TestClient.connect(node.url)
  const requests = [
    { event: "join_room", room_id: "order" },
    { event: "ping" },
    { event: "join_room", room_id: "order" },
    { event: "info" },
    { event: "leave_room" },
    { event: "update_status", status: {} },
    { event: "join_room", room_id: "order", status: { name: "" } },
    { event: "join_room", room_id: "order" },
    { event: "fly" },
  ]
  for (const [ref, request] of requests.entries()) client.send({ ...request, ref })
  const answers = await client.drain()
  expect(answers.map(({ event, id, ref }) => [ref, id ?? event])).toEqual([
    [0, "joined_room"],
    [1, "pong"],
    [2, "already_joined"],
    [3, "info"],
    [5, "not_in_room"],
    [6, "blank_name"],
    [7, "joined_room"],
    [8, "unknown_event"],
  ])
})

function viewOf(client: TestClient): ClientView {
  const view = new ClientView()
  for (const event of client.all) view.see(event)
  return view
}

function membersBut(client: TestClient, stayed: readonly TestClient[], witness: TestClient): Map<string, string> {
  const members = new Map([[witness.ownId, "{}"]])
  for (const other of stayed) if (other !== client) members.set(other.ownId, `{"step":${MESSAGES}}`)
  return members
}
