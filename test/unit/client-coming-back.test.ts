// The browser client after a break that cannot be undone in full, and what it does so that most can.

import { expect, test } from "bun:test"
import { SignalingClient, type SignalingError } from "../../src/client/index.ts"
import { ClientMember } from "../helpers/client-member.ts"
import { FakeServer, TIMING } from "../helpers/fake-server.ts"
import { poll } from "../helpers/redis.ts"
import { ResumingServer, relay, saidTo } from "../helpers/resuming-server.ts"

/** The network breaks; what is done meanwhile; the client learns of it. */
function breakAround(server: ResumingServer, act: () => void): void {
  server.breakNow()
  act()
  server.end()
}

test("an incomplete resumption tells what changed, corrects the own status, and counts anew", async () => {
  using server = new ResumingServer()
  server.peers = ["bea", "cem", "dan"].map((peer_id) => ({ peer_id, status: {} }))
  using one = await ClientMember.join(server)
  one.client.updateStatus({ camera: true, name: null })
  await server.until(() => server.of("update_status").length === 1)
  server.isLossy = true
  server.ownStatus = { name: "Ada", from: "before" }
  const asked: Promise<unknown>[] = []
  breakAround(server, () => {
    one.speak()
    server.say(relay(0))
    asked.push(one.client.info().catch((error: SignalingError) => error.id))
    server.peers = [
      { peer_id: "cem", status: { name: "Cem" } },
      { peer_id: "dan", status: {} },
      { peer_id: "eve", status: { name: "Eve" } },
      { peer_id: "own-1", status: {} },
    ]
  })
  expect(await one.next("resumed")).toEqual({ complete: false })
  expect(one.told).toEqual([
    ["peer_left", { peerId: "bea", whileAway: true }],
    ["new_peer", { peerId: "eve", status: { name: "Eve" } }],
    ["peer_updated_status", { peerId: "cem", status: { name: "Cem" } }],
    ["resumed", { complete: false }],
  ])
  expect([...one.client.peers.keys()]).toEqual(["cem", "dan", "eve"])
  expect(await Promise.all(asked)).toEqual(["connection_lost"])
  await server.until(() => server.of("update_status").length === 2)
  expect(server.of("update_status").at(-1)?.["status"]).toEqual({ camera: true, name: null, from: null })
  expect(saidTo(server)).toEqual([])

  server.isLossy = false
  breakAround(server, () => {
    one.speak()
    server.say(relay(1))
  })
  expect(await one.next("resumed")).toEqual({ complete: true })
  await one.client.ping()
  expect([one.heard, saidTo(server)]).toEqual([[1], [1]])
  expect([server.joins, one.client.ownId]).toEqual([1, "own-1"])
})

test("resume_failed: joins anew, says who it was, and keeps nothing for later", async () => {
  using server = new ResumingServer()
  using one = await ClientMember.join(server)
  breakAround(server, () => {
    one.speak()
    one.client.updateStatus({ camera: true })
    server.forget()
  })
  expect(await one.next("joined_room")).toMatchObject({ ownId: "own-2", again: true })
  await one.client.ping()
  expect(saidTo(server)).toEqual([])
  expect(server.of("join_room").at(-1)?.["status"]).toEqual({ name: "Ada", camera: true, previous_id: "own-1" })
  expect(one.told.map(([name]) => name)).toEqual(["joined_room"])
})

test("a server whose store is away is asked again later, with the same token", async () => {
  using server = new ResumingServer()
  using one = await ClientMember.join(server)
  server.refusal = "unavailable"
  breakAround(server, () => one.speak())
  await one.until(() => (one.client.state as { code?: number }).code === 1013)
  server.refusal = undefined
  one.client.wake()
  expect(await one.next("resumed")).toEqual({ complete: true })
  await one.client.ping()
  expect([saidTo(server), server.joins, one.told.length]).toEqual([[0], 1, 1])
})

test("1001 resumes, 4509 is final", async () => {
  using server = new ResumingServer()
  using one = await ClientMember.join(server)
  server.end(1001)
  expect(await one.next("resumed")).toEqual({ complete: true })
  server.end(4509)
  await one.until(() => one.client.state.name === "closed")
  expect(one.client.state).toMatchObject({ code: 4509 })
  expect(one.client.ownId).toBeUndefined()
})

test("close() sends a close frame, which leaves; a dead connection given up sends none", async () => {
  using server = new ResumingServer()
  using one = await ClientMember.join(server)
  one.client.close()
  await server.until(() => server.closes.length > 0)
  expect([server.closes, server.isHeld]).toEqual([[1000], false])

  using silent = await ClientMember.join(server, { pingEveryMs: 50, pongWithinMs: 50 })
  server.breakNow()
  silent.speak()
  server.say(relay(0))
  expect(await silent.next("resumed")).toEqual({ complete: true })
  await silent.client.ping()
  expect([silent.heard, saidTo(server), server.closes]).toEqual([[0], [0], [1000]])
})

test("who leaves without a connection leaves as soon as there is one, also for another room", async () => {
  using server = new ResumingServer()
  using one = await ClientMember.join(server)
  breakAround(server, () => undefined)
  await one.until(() => one.client.state.name === "waiting")
  one.client.leave()
  await server.until(() => !server.isHeld)
  expect(server.of("leave_room")).toHaveLength(1)
  await one.client.join("room")
  breakAround(server, () => undefined)
  await one.until(() => one.client.state.name === "waiting")
  one.client.leave()
  expect(await one.client.join("other")).toMatchObject({ ownId: "own-3", again: false })
  expect(server.of("leave_room")).toHaveLength(2)
  // A farewell that comes too late is no error for anybody.
  breakAround(server, () => undefined)
  await one.until(() => one.client.state.name === "waiting")
  server.forget()
  one.client.leave()
  expect((await one.client.join("third")).ownId).toBe("own-4")
  expect(one.told.filter(([name]) => name === "error")).toEqual([])
})

test("without a connection so much is kept as the log holds, and all of it arrives", async () => {
  using server = new ResumingServer()
  using one = await ClientMember.join(server)
  breakAround(server, () => undefined)
  await one.until(() => one.client.state.name === "waiting")
  while (one.speak());
  expect(one.sent).toHaveLength(256)
  await one.next("resumed")
  await one.client.ping()
  expect(saidTo(server)).toEqual(one.sent)
})

test("by size, too: a quarter of a million characters", async () => {
  using server = new ResumingServer()
  using one = await ClientMember.join(server)
  breakAround(server, () => undefined)
  await one.until(() => one.client.state.name === "waiting")
  const data = "x".repeat(60_000)
  const taken = [...Array(6)].map(() => one.client.send("bea", { event: "message", data }))
  expect(taken).toEqual([true, true, true, true, false, false])
})

test("more sent into a dead connection than the log holds: the loss is told, and only what is lost is lost", async () => {
  using server = new ResumingServer()
  using one = await ClientMember.join(server)
  breakAround(server, () => {
    one.client.updateStatus({ camera: true })
    for (let count = 0; count < 300; count++) one.speak()
  })
  expect(await one.next("resumed")).toEqual({ complete: false })
  await server.until(() => server.of("update_status").length === 1)
  expect(server.of("update_status").at(-1)?.["status"]).toEqual({ camera: true })
  expect(one.told).toEqual([["resumed", { complete: false }]])
  const before = saidTo(server).length
  breakAround(server, () => one.speak())
  expect(await one.next("resumed")).toEqual({ complete: true })
  await one.client.ping()
  expect(saidTo(server).slice(before)).toEqual([300])
})

test("both sides forget what the other has: in heavy traffic, and by a ping that no traffic puts off", async () => {
  using server = new ResumingServer()
  using one = await ClientMember.join(server)
  for (let count = 0; count < 2_000; count++) {
    one.speak()
    server.say(relay(count))
    if (count % 10 === 0) await new Promise((resolve) => setImmediate(resolve))
    expect(server.kept).toBeLessThan(256)
  }
  await one.client.ping()
  breakAround(server, () => undefined)
  expect(await one.next("resumed")).toEqual({ complete: true })
  expect(server.of("ping").length).toBeLessThan(200)

  using _busy = await ClientMember.join(server, { pingEveryMs: 30 })
  const pings = server.of("ping").length
  for (let count = 0; server.of("ping").length < pings + 2; count++) {
    // Below what makes it tell by itself.
    if (count < 20) server.say(relay(count))
    await new Promise((resolve) => setImmediate(resolve))
  }
  expect(server.of("ping").at(-1)).toMatchObject({ received: expect.any(Number) })
})

test("a server without tickets: as before there were any", async () => {
  using server = new ResumingServer()
  server.givesTickets = false
  using one = await ClientMember.join(server)
  const back = one.next("joined_room")
  breakAround(server, () => expect(one.speak()).toBe(true))
  await one.until(() => one.client.state.name === "waiting")
  expect(one.speak()).toBe(false)
  expect(one.client.ownId).toBeUndefined()
  expect(await back).toMatchObject({ again: true })
  expect(await one.client.ping()).toBeGreaterThan(0)
  expect(server.of("ping").at(-1)).toEqual({ event: "ping", ref: expect.any(String) })
})

test("a join that nobody waits for any more leaves no open socket behind, on which it may still land", async () => {
  using server = new FakeServer()
  server.answers["join_room"] = () => undefined
  const client = new SignalingClient(server.url, { ...TIMING, requestMs: 100 })
  const joined = client.join("room").catch((error: SignalingError) => error.id)
  await poll(() => server.received.length >= 1)
  const [abandoned] = server.sockets
  expect(await joined).toBe("timeout")
  await poll(() => !server.sockets.has(abandoned as NonNullable<typeof abandoned>), 1_000)
  client.close()
})
