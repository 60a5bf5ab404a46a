// Why did it not connect? What the timeline of a room tells, against the executable; and that it is bounded.

import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { findingsOf } from "../../src/admin/findings.ts"
import type { RoomAnswer } from "../../src/admin/reports.ts"
import { SYSTEM_CLOCK } from "../../src/clock.ts"
import { type PeerId, toRoomKey } from "../../src/rooms/ids.ts"
import { Timelines, type TraceEntry } from "../../src/trace/timelines.ts"
import { TestClient } from "../helpers/client.ts"
import { runExecutable, startNode, type TestNode } from "../helpers/node.ts"
import { type RedisServer, startRedis } from "../helpers/redis.ts"

const candidate = (type: string) => ({
  event: "ice_candidate",
  candidate: `candidate:1 1 udp 2122260223 192.0.2.77 54400 typ ${type} generation 0`,
})

/** A relay of a client. */
function tell(from: TestClient, to: TestClient, data: object): void {
  from.send({ event: "send_to_peer", peer_id: to.ownId, data })
}

async function roomOf(node: TestNode, name: string): Promise<RoomAnswer> {
  return (await (await fetch(`${node.adminUrl}api/room?room=${toRoomKey(name)}`)).json()) as RoomAnswer
}

/** A timeline without times and nodes, peers by the names of their clients. */
function told({ timeline }: RoomAnswer, names: Record<string, string>): object[] {
  return timeline.map(({ at, until, node, peer, to, ...more }) => ({
    ...more,
    peer: peer && (names[peer] ?? peer),
    ...(to === undefined ? {} : { to: names[to] ?? to }),
  }))
}

describe("one node", () => {
  let node: TestNode
  beforeAll(async () => {
    node = await startNode()
  })
  afterAll(() => node[Symbol.asyncDispose]())

  test("joins, offers, answers, candidates by type, errors, leaves, and never what was said", async () => {
    await using ada = await TestClient.connect(node.url)
    await using ben = await TestClient.connect(node.url)
    await ada.join("tea")
    await ben.join("tea")
    tell(ada, ben, { event: "offer", sdp: "v=0 secret" })
    for (const type of ["host", "host", "srflx", "relay"]) tell(ada, ben, candidate(type))
    await ada.drain()
    tell(ben, ada, { event: "answer", sdp: "v=0 secret" })
    tell(ben, ada, candidate("host"))
    tell(ben, ada, { event: "message", text: "secret" })
    tell(ben, ada, { event: "ice_candidate", candidate: "" })
    await ben.drain()
    ada.send({ event: "send_to_peer", peer_id: crypto.randomUUID(), data: { event: "offer" } })
    await ada.next("error")
    const names = { [ada.ownId]: "ada", [ben.ownId]: "ben" }
    const answer = await roomOf(node, "tea")
    expect(told(answer, names)).toEqual([
      { what: "joined", peer: "ada" },
      { what: "joined", peer: "ben" },
      { what: "offer", peer: "ada", to: "ben" },
      { what: "candidates", peer: "ada", to: "ben", count: 4, candidates: { host: 2, srflx: 1, prflx: 0, relay: 1 } },
      { what: "answer", peer: "ben", to: "ada" },
      { what: "candidates", peer: "ben", to: "ada", count: 2, candidates: { host: 1, srflx: 0, prflx: 0, relay: 0 } },
      { what: "message", peer: "ben", to: "ada" },
      { what: "error", peer: "ada", detail: "unknown_peer" },
    ])
    expect(answer.findings).toEqual([expect.objectContaining({ finding: "complete" })])
    expect(JSON.stringify(answer)).not.toMatch(/secret|192\.0\.2/)

    const { stdout } = await runExecutable(["room", "--name", "tea", "--admin", node.adminUrl])
    expect(stdout).toContain(
      `${ada.ownId.slice(0, 8)}  candidates x4 (2 host, 1 srflx, 1 relay) to ${ben.ownId.slice(0, 8)}`,
    )
    expect(stdout).toContain("all that is needed was said")

    await ben.close()
    await ada.close()
    const after = await roomOf(node, "tea")
    expect(after.members).toEqual([])
    expect(told(after, names).slice(-4)).toEqual([
      { what: "closed", peer: "ben", detail: "1005" },
      { what: "left", peer: "ben" },
      { what: "closed", peer: "ada", detail: "1005" },
      { what: "left", peer: "ada" },
    ])
    const { gone } = (await (await fetch(`${node.adminUrl}api/rooms`)).json()) as {
      gone: { room: string; last: number }[]
    }
    expect(gone).toContainEqual({ room: toRoomKey("tea"), last: expect.any(Number) })
  })

  test("who was refused, who broke off and came back", async () => {
    await using small = await startNode(["--room-size", "2"])
    await using ada = await TestClient.connect(small.url)
    await using ben = await TestClient.connect(small.url)
    await using eve = await TestClient.connect(small.url)
    await ada.join("tea")
    ben.send({ event: "join_room", room_id: "tea", resume: true })
    const { resume } = (await ben.next("joined_room")) as unknown as { resume: { token: string } }
    await eve.join("tea")
    ben.terminate()
    await using again = await TestClient.connect(small.url)
    again.send({ event: "resume", token: resume.token, received: 1 })
    await again.next("resumed")
    const { timeline } = await roomOf(small, "tea")
    const [refused, lost, resumed] = timeline.slice(2)
    expect(refused).toMatchObject({ what: "refused", detail: "full" })
    // A close frame that is missing is found by the end of the connection, sooner or later than the client is back.
    const rest = lost?.what === "lost" ? resumed : lost
    expect(rest).toMatchObject({ what: "resumed", detail: "nothing was lost" })
  })

  test("other dialects: kinds where their JSON says them", async () => {
    const open = async (path: string): Promise<WebSocket> => {
      const socket = new WebSocket(`${node.url}${path}`)
      await new Promise((resolve) => {
        socket.onopen = resolve
      })
      return socket
    }
    const [one, other] = [await open("y"), await open("y")]
    const next = (socket: WebSocket) =>
      new Promise((resolve) => {
        socket.onmessage = resolve
      })
    for (const socket of [one, other]) {
      socket.send(JSON.stringify({ type: "subscribe", topics: ["doc"] }))
      socket.send(JSON.stringify({ type: "ping" }))
      await next(socket)
    }
    const heard = next(other)
    const signal = { type: "signal", signal: { type: "offer", sdp: "v=0" } }
    one.send(JSON.stringify({ type: "publish", topic: "doc", data: signal }))
    await heard
    const response = await fetch(`${node.adminUrl}api/room?room=${toRoomKey("doc", "y-webrtc")}`)
    const { timeline, findings } = (await response.json()) as RoomAnswer
    expect(timeline.map(({ what }) => what)).toEqual(["joined", "joined", "offer"])
    expect(findings).toEqual([])
    one.close()
    other.close()
  })

  test("--no-trace-rooms keeps nothing", async () => {
    await using none = await startNode(["--no-trace-rooms"])
    await using ada = await TestClient.connect(none.url)
    await ada.join("tea")
    expect(await roomOf(none, "tea")).toMatchObject({ members: [{ peer: ada.ownId }], timeline: [] })
    await ada.close()
    expect(await roomOf(none, "tea")).toMatchObject({ error: "unknown_room" })
  })
})

describe("two nodes with one Redis", () => {
  let redis: RedisServer
  let nodes: [TestNode, TestNode]
  beforeAll(async () => {
    redis = await startRedis()
    nodes = await Promise.all([startNode(["--redis", redis.url]), startNode(["--redis", redis.url])])
  })
  afterAll(async () => {
    for (const node of nodes) await node[Symbol.asyncDispose]()
    await redis[Symbol.asyncDispose]()
  })

  test("either tells the whole story", async () => {
    await using ada = await TestClient.connect(nodes[0].url)
    await using ben = await TestClient.connect(nodes[1].url)
    await ada.join("tea")
    await ben.join("tea")
    tell(ben, ada, { event: "offer", sdp: "v=0" })
    await ada.next("offer")
    tell(ada, ben, { event: "answer", sdp: "v=0" })
    await ben.next("answer")
    const names = { [ada.ownId]: "ada", [ben.ownId]: "ben" }
    for (const node of nodes) {
      const answer = await roomOf(node, "tea")
      expect(told(answer, names)).toEqual([
        { what: "joined", peer: "ada" },
        { what: "joined", peer: "ben" },
        { what: "offer", peer: "ben", to: "ada" },
        { what: "answer", peer: "ada", to: "ben" },
      ])
      expect(answer.findings).toEqual([expect.objectContaining({ finding: "no_candidates" })])
      expect(new Set(answer.timeline.map(({ node }) => node)).size).toBe(2)
    }
  })
})

describe("findings", () => {
  const counts = { host: 1, srflx: 0, prflx: 0, relay: 0 }
  const joined: TraceEntry[] = ["a", "b"].map((peer) => ({ at: 0, what: "joined", peer: peer as PeerId }))
  const said = (what: TraceEntry["what"], peer: string, to: string, candidates?: typeof counts): TraceEntry => ({
    ...{ at: 1, what, peer: peer as PeerId, to: to as PeerId },
    ...(candidates === undefined ? {} : { candidates }),
  })
  const finding = (...entries: TraceEntry[]) => findingsOf([], [...joined, ...entries]).map((each) => each.finding)
  const both = [said("offer", "a", "b"), said("answer", "b", "a")]

  test("what is missing between two", () => {
    expect(finding()).toEqual([])
    expect(finding(said("candidates", "a", "b", counts))).toEqual(["no_offer"])
    expect(finding(said("offer", "a", "b", counts))).toEqual(["no_answer"])
    expect(finding(...both)).toEqual(["no_candidates"])
    expect(finding(...both, said("candidates", "a", "b", counts))).toEqual(["no_candidates"])
    const hosts = [said("candidates", "a", "b", counts), said("candidates", "b", "a", counts)]
    expect(finding(...both, ...hosts)).toEqual(["own_network_only"])
    expect(finding(...both, ...hosts, said("candidates", "b", "a", { ...counts, srflx: 1 }))).toEqual(["no_relay"])
    expect(finding(...both, ...hosts, said("candidates", "b", "a", { ...counts, relay: 1 }))).toEqual(["complete"])
    // Two who say nothing to each other: unless they were there before it was looked, or speak to all at once.
    const members = ["a", "b"].map((peer) => ({ peer })) as unknown as Parameters<typeof findingsOf>[0]
    expect(findingsOf(members, joined).map((each) => each.finding)).toEqual(["no_offer"])
    expect(findingsOf(members, joined.slice(1))).toEqual([])
    expect(findingsOf(members, [...joined, { at: 1, what: "message", peer: "a" as PeerId }])).toEqual([])
    // Whoever is not in the room has its answers elsewhere.
    expect(findingsOf([], [said("offer", "c", "d")])).toEqual([])
  })
})

describe("bounds", () => {
  const [room, peer] = [toRoomKey("tea"), "p" as PeerId]

  test("300 entries a room, 30,000 a node, an hour", () => {
    let now = 1e12
    const timelines = new Timelines({ ...SYSTEM_CLOCK, unixMs: () => now })
    for (let at = 0; at < 400; at++) timelines.happened(room, peer, "joined")
    expect(timelines.of(room)).toMatchObject({ dropped: 100, timeline: { length: 300 } })
    for (let at = 0; at < 40_000; at++) timelines.happened(toRoomKey(String(at)), peer, "joined")
    // Each room takes as much as four entries, and its own; a thousand of both are forgotten at a time.
    expect(timelines.size).toBeWithin(5_800, 6_001)
    expect(timelines.of(room)).toBeUndefined()
    now += 3_600_001
    expect([...timelines.latest()]).toEqual([])
    timelines.happened(room, peer, "joined")
    expect(timelines.size).toBe(1)
  })

  test("2,000 messages a second are looked at; then they are counted, until the next second", () => {
    let now = 1e12
    const timelines = new Timelines({ ...SYSTEM_CLOCK, unixMs: () => now })
    const relay = (times: number) => {
      for (let at = 0; at < times; at++) timelines.relayed(room, peer, "q" as PeerId, '{"event":"message"}')
    }
    relay(2_500)
    expect(timelines.unseen).toBe(500)
    now += 1_000
    relay(1_000)
    expect(timelines.unseen).toBeLessThan(540)
    expect(timelines.of(room)?.timeline).toEqual([
      { at: 1e12, what: "message", peer, to: "q" as PeerId, count: expect.any(Number), until: now },
    ])
  })
})
