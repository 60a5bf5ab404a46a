// The browser client against a small fake server that can refuse, go silent, close with any code and come back.

import { describe, expect, test } from "bun:test"
import { type JoinedRoom, SignalingClient } from "../../src/client/index.ts"
import { FakeServer, makeClient, refusalOf, TIMING } from "../helpers/fake-server.ts"

test("joins, hears of peers and relays, speaks, leaves", async () => {
  using server = new FakeServer()
  server.peers = [{ peer_id: "b", status: { name: "Ben" } }]
  using one = makeClient(server.url)
  const joined = await one.client.join("room", { name: "Ada" })
  const expected: JoinedRoom = {
    ownId: "own-1",
    peers: new Map([["b", { name: "Ben" }]]),
    iceServers: [],
    again: false,
  }
  expect(joined).toEqual(expected)
  const relayed = one.next("relayed")
  server.tell({ event: "new_peer", peer_id: "c", status: {} })
  server.tell({ event: "peer_updated_status", sender_id: "c", status: { name: "Cem" } })
  server.tell({ event: "peer_left", sender_id: "b" })
  server.tell({ event: "an event of the future", sender_id: "c" })
  server.tell({ event: "offer", sdp: "x", sender_id: "c" })
  await relayed
  expect(one.told).toEqual([
    ["joined_room", expected],
    ["new_peer", { peerId: "c", status: {} }],
    ["peer_updated_status", { peerId: "c", status: { name: "Cem" } }],
    ["peer_left", { peerId: "b", whileAway: false }],
    ["relayed", { peerId: "c", message: { event: "offer", sdp: { type: "offer", sdp: "x" } } }],
  ])
  expect(one.client.peers).toEqual(new Map([["c", { name: "Cem" }]]))

  expect(one.client.send("c", { event: "answer", sdp: "y" })).toBe(true)
  one.client.updateStatus({ camera: true })
  one.client.leave()
  await server.got("leave_room")
  expect(server.received).toEqual([
    { event: "join_room", room_id: "room", status: { name: "Ada" }, ref: "1", resume: true },
    { event: "send_to_peer", peer_id: "c", data: { event: "answer", sdp: { type: "answer", sdp: "y" } } },
    { event: "update_status", status: { camera: true } },
    { event: "leave_room" },
  ])
  expect(one.client.ownId).toBeUndefined()
  expect(one.client.send("c", { event: "answer", sdp: "y" })).toBe(false)
})

test("after a broken connection it is back in the room, and tells who left meanwhile", async () => {
  using server = new FakeServer()
  server.peers = [
    { peer_id: "b", status: {} },
    { peer_id: "c", status: {} },
  ]
  using one = makeClient(server.url)
  await one.client.join("room", { name: "Ada" })
  one.client.updateStatus({ camera: true, name: null })
  await server.got("update_status")
  one.told.length = 0
  server.peers = [
    { peer_id: "c", status: { name: "Cem" } },
    { peer_id: "d", status: {} },
    // Our own lost connection, which the server has not noticed yet.
    { peer_id: "own-1", status: {} },
  ]
  const again = one.next("joined_room")
  server.closeAll(1001)
  expect((await again).again).toBe(true)
  expect(one.told).toEqual([
    ["peer_left", { peerId: "b", whileAway: true }],
    [
      "joined_room",
      {
        ownId: "own-2",
        peers: new Map<string, object>([
          ["c", { name: "Cem" }],
          ["d", {}],
        ]),
        iceServers: [],
        again: true,
      },
    ],
  ])
  expect((await server.got("join_room", 2)).at(-1)).toMatchObject({
    room_id: "room",
    status: { camera: true, previous_id: "own-1" },
  })
})

test("a server that is away is asked again and again", async () => {
  using server = new FakeServer()
  using one = makeClient(server.url)
  await one.client.join("room")
  server.stop()
  await one.next("state", ({ name }) => name === "waiting")
  await one.next("state", ({ name }) => name === "waiting")
  expect(one.client.send("b", { event: "offer", sdp: "x" })).toBe(false)
  const again = one.next("joined_room")
  server.start()
  expect((await again).ownId).toBe("own-2")
})

test("a final close code is final, a passing one is not", async () => {
  using server = new FakeServer()
  using one = makeClient(server.url)
  await one.client.join("room")
  const back = one.next("joined_room")
  server.closeAll(4000)
  await back
  const closed = one.next("state", ({ name }) => name === "closed")
  server.closeAll(4501)
  expect(await closed).toEqual({ name: "closed", code: 4501, reason: "" })
  expect(one.client.peers.size).toBe(0)
})

test("a refused join is told to the caller, and can be tried anew", async () => {
  using server = new FakeServer()
  using one = makeClient(server.url)
  server.answers["join_room"] = () => ({ event: "error", id: "room_full", message: "room is full" })
  expect(await refusalOf(one.client.join("room"))).toBe("room_full")
  server.answers = {}
  expect((await one.client.join("room")).ownId).toBe("own-1")
  expect(await refusalOf(one.client.join("other"))).toBe("already_joined")
})

test("a re-join that is refused for now is tried again, one refused for good ends it", async () => {
  using server = new FakeServer()
  using one = makeClient(server.url)
  await one.client.join("room")
  let refusals = 0
  server.answers["join_room"] = ({ ref }) =>
    ++refusals <= 2
      ? { event: "error", id: "unavailable", message: "service unavailable, try again" }
      : { event: "joined_room", own_id: "late", peers: [], ref }
  const again = one.next("joined_room")
  server.closeAll(1013)
  one.client.wake()
  await one.next("state", ({ name }) => name === "waiting")
  one.client.wake()
  expect((await again).ownId).toBe("late")
  server.answers["join_room"] = () => ({ event: "error", id: "unauthorized", message: "not authorized" })
  const closed = one.next("state", ({ name }) => name === "closed")
  server.closeAll(1001)
  expect(await closed).toMatchObject({ reason: "not authorized" })
})

test("the answer to a join that was given up is not taken for the next one", async () => {
  using server = new FakeServer()
  using one = makeClient(server.url)
  let late: (() => void) | undefined
  server.answers["join_room"] = ({ ref, room_id }, socket) => {
    const answer = JSON.stringify({ event: "joined_room", own_id: String(room_id), peers: [], ref })
    if (late === undefined) late = () => socket.send(answer)
    else {
      late()
      socket.send(answer)
    }
    return undefined
  }
  const first = refusalOf(one.client.join("first"))
  await server.got("join_room")
  one.client.leave()
  expect(await first).toBe("left")
  expect((await one.client.join("second")).ownId).toBe("second")
  expect(one.told).toHaveLength(1)
})

test("errors to messages are told, those of requests go to their caller", async () => {
  using server = new FakeServer()
  using one = makeClient(server.url)
  await one.client.join("room")
  const error = one.next("error")
  server.tell({ event: "error", id: "unknown_peer", message: "unknown peer" })
  expect(await error).toMatchObject({ id: "unknown_peer", message: "unknown peer" })
  const malformed = one.next("error")
  server.tell({ event: "offer", sdp: { type: "offer" }, sender_id: "b" })
  expect(await malformed).toMatchObject({ id: "invalid_message", message: "a peer sent an incomplete offer" })
})

test("a fresh address is asked for at each attempt, and a failing one is tried again", async () => {
  using server = new FakeServer()
  let asked = 0
  const client = new SignalingClient(() => {
    if (++asked === 1) throw new Error("no token yet")
    return Promise.resolve(server.url)
  }, TIMING)
  await client.join("room")
  expect(asked).toBe(2)
  client.close()
})

describe("an access token", () => {
  const tokensOf = (server: FakeServer) =>
    server.received.filter(({ event }) => event === "join_room").map(({ token }) => token)

  test("goes along with each join; a function is asked anew for each", async () => {
    using server = new FakeServer()
    const fixed = new SignalingClient(server.url, { ...TIMING, token: "abc" })
    await fixed.join("room")
    fixed.close()
    let asked = 0
    const client = new SignalingClient(server.url, { ...TIMING, token: () => Promise.resolve(`fresh ${++asked}`) })
    await client.join("room")
    client.leave()
    await client.join("room")
    expect(tokensOf(server)).toEqual(["abc", "fresh 1", "fresh 2"])
    client.close()
  })

  test("that cannot be had refuses the first join, with its reason", async () => {
    using server = new FakeServer()
    const client = new SignalingClient(server.url, {
      ...TIMING,
      token: () => Promise.reject(new Error("who are you?")),
    })
    await expect(client.join("room")).rejects.toMatchObject({ id: "no_token", message: "Error: who are you?" })
    expect(tokensOf(server)).toEqual([])
    client.close()
  })

  test("that comes too late, as the room was left meanwhile, joins nothing; a status meanwhile goes along", async () => {
    using server = new FakeServer()
    const late: ((token: string) => void)[] = []
    const client = new SignalingClient(server.url, { ...TIMING, token: () => new Promise((give) => late.push(give)) })
    const left = client.join("left")
    while (late.length < 1) await new Promise((resolve) => setImmediate(resolve))
    client.leave()
    await expect(left).rejects.toMatchObject({ id: "left" })
    const joined = client.join("room")
    client.updateStatus({ x: 1 })
    while (late.length < 2) await new Promise((resolve) => setImmediate(resolve))
    for (const give of late) give("token")
    await joined
    const said = server.received.filter(({ event }) => event !== "leave_room")
    expect(said.map(({ event, room_id, status }) => [event, room_id, status])).toEqual([
      ["join_room", "room", { x: 1 }],
    ])
    client.close()
  })
})

for (const when of ["connecting", "open", "waiting"] as const) {
  test(`close() inside a listener of the state ${when} leaves no socket behind`, async () => {
    using server = new FakeServer()
    const client = new SignalingClient(server.url, TIMING)
    const told: string[] = []
    client.on("state", ({ name }) => {
      told.push(name)
      if (name === when) client.close()
      if (name === "open" && when === "waiting") server.closeAll(1001)
    })
    client.connect()
    // Another client that comes later shows that the first one does not come any more.
    while (told.at(-1) !== "closed") await new Promise((resolve) => setImmediate(resolve))
    using later = makeClient(server.url)
    await later.client.join("room")
    await later.client.ping()
    expect(server.sockets.size).toBe(1)
    expect(client.state.name).toBe("closed")
  })
}

test("a listener of the state open may leave and join another room", async () => {
  using server = new FakeServer()
  using one = makeClient(server.url)
  const first = refusalOf(one.client.join("first"))
  let second: Promise<JoinedRoom> | undefined
  one.client.on("state", ({ name }) => {
    if (name !== "open") return
    one.client.leave()
    second = one.client.join("second")
  })
  expect(await first).toBe("left")
  await second
  await one.client.ping()
  expect(server.received.filter(({ event }) => event !== "ping")).toMatchObject([
    { event: "join_room", room_id: "first" },
    { event: "leave_room" },
    { event: "join_room", room_id: "second" },
  ])
})
