// A client comes back at another node while its old one lives: nothing is lost, nothing comes twice, and each sender's
// messages keep their order, however they go and however slowly one of the nodes hears of it.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { startNode, type TestNode } from "../helpers/node.ts"
import { RawSocket, textFrame } from "../helpers/raw-socket.ts"
import { poll, type RedisServer, startProxy, startRedis } from "../helpers/redis.ts"
import * as cluster from "./cluster.ts"
import { stop, three } from "./cluster.ts"
import { Member } from "./member.ts"

let redis: RedisServer
beforeAll(async () => {
  redis = await startRedis()
})
afterAll(() => redis[Symbol.asyncDispose]())

/** They speak faster than people do. */
const ANY_RATE = ["--rate-per-second", "0"]

const startNodes = (count: number) => cluster.startNodes(redis, count, ANY_RATE)

/** 8 ms between two messages of one: some are on every way at any moment, and a move is over before 256 are kept. */
const PACE_MS = 8

/** Tells `to` one number after the other, until it is stopped. */
function countAloud(from: Member, to: Member): { stop(): Promise<readonly number[]> } {
  const said: number[] = []
  let isStopped = false
  const done = (async () => {
    for (let number = 0; !isStopped; number++) {
      from.tell(to, number)
      said.push(number)
      // Says what it has, too: else what is kept for it would be over its bound.
      if (number % 20 === 19) from.say({ event: "ping", received: from.received })
      from.takeAll()
      await Bun.sleep(PACE_MS)
    }
  })()
  return {
    async stop() {
      isStopped = true
      await done
      return said
    },
  }
}

/** Whatever way the last number of each goes, it has come. */
async function hearAll(ada: Member, others: readonly Member[]): Promise<void> {
  for (const other of others) other.tell(ada, "end")
  while (others.some((other) => ada.heardFrom(other).at(-1) !== "end")) await ada.next()
}

/** Ada's moves, while those who are with her speak to her and she speaks to them after each. */
async function expectAllInOrder(ada: Member, others: readonly Member[], ports: readonly number[]): Promise<void> {
  const counting = others.map((other) => countAloud(other, ada))
  const answers: number[] = []
  for (const [at, port] of ports.entries()) {
    // With the old connection open, or broken.
    if (at % 2 === 0) ada.cut()
    else ada.takeAll()
    expect(await ada.resume(port)).toMatchObject({ event: "resumed", complete: true })
    // Twice, so that the second waits while the first is on its way to another node.
    for (const text of [2 * at, 2 * at + 1]) {
      for (const other of others) ada.tell(other, text)
      answers.push(text)
      ada.say({ event: "ping", received: ada.received })
      await ada.next("pong")
    }
  }
  const said = await Promise.all(counting.map((each) => each.stop()))
  await hearAll(ada, others)
  for (const [at, other] of others.entries()) {
    ada.tell(other, "end")
    while (other.heardFrom(ada).at(-1) !== "end") await other.next()
    expect(ada.heardFrom(other)).toEqual([...(said[at] as unknown[]), "end"])
    expect(other.heardFrom(ada)).toEqual([...answers, "end"])
    expect(other.heard.filter(({ event }) => event === "peer_left" || event === "new_peer").length).toBeLessThan(3)
  }
}

/** Bob, Cyd and Dan at one node each, and Ada at the first. */
async function four(nodes: readonly TestNode[]): Promise<[Member, Member[]]> {
  const ada = await Member.join((nodes[0] as TestNode).port, "room", { name: "Ada" })
  const others: Member[] = []
  for (const { port } of nodes) others.push(await Member.join(port, "room"))
  for (const member of [ada, ...others]) await member.drain()
  return [ada, others]
}

test("from node to node and back, while others speak from each", async () => {
  const nodes = await startNodes(3)
  const [ada, others] = await four(nodes)
  const ports = [1, 2, 0, 2, 1, 0, 1, 0, 2, 1, 2, 0].map((at) => (nodes[at] as TestNode).port)
  await expectAllInOrder(ada, others, ports)
  const handOvers = await Promise.all(nodes.map((node) => node.metric("palava_resume_hand_overs_total", "complete")))
  expect(handOvers.reduce((sum, count) => sum + count)).toBe(ports.length)
  for (const node of nodes) expect(node.log()).not.toMatch(/bug|failed/)
  await stop(nodes)
})

test("one of three nodes hears, and is heard, later than the others: whatever way it goes, the order holds", async () => {
  await using slow = await startProxy(redis.port)
  const args = ["--redis-prefix", "slow", "--shutdown-seconds", "0", ...ANY_RATE]
  const nodes = await Promise.all(
    [redis.url, redis.url, `redis://127.0.0.1:${slow.port}`].map((url) => startNode(["--redis", url, ...args])),
  )
  const [ada, others] = await four(nodes)
  slow.delayMs = 60
  const [a, b, c] = nodes as [TestNode, TestNode, TestNode]
  // Between the others, so that it sends to where she was; and from it, so that what she sent is still on its way.
  await expectAllInOrder(ada, others, [b.port, a.port, b.port, c.port, a.port, c.port, b.port])
  await stop(nodes)
})

test("on to a third node before the second has answered", async () => {
  const nodes = await startNodes(3)
  const [ada, others] = await four(nodes)
  const counting = others.map((other) => countAloud(other, ada))
  for (let round = 0; round < 20; round++) {
    const [first, second] = [nodes[(round + 1) % 3], nodes[(round + 2) % 3]] as [TestNode, TestNode]
    const old = ada.socket
    const unheard = await RawSocket.open(first.port)
    unheard.write(textFrame({ event: "resume", token: ada.token, received: ada.received }))
    expect(await old.closed).toBe(4509)
    ada.takeAll()
    expect(await ada.resume(second.port)).toMatchObject({ event: "resumed", complete: true })
    unheard[Symbol.dispose]()
    ada.say({ event: "ping", received: ada.received })
    await ada.next("pong")
  }
  const said = await Promise.all(counting.map((each) => each.stop()))
  await hearAll(ada, others)
  for (const [at, other] of others.entries()) expect(ada.heardFrom(other)).toEqual([...(said[at] as unknown[]), "end"])
  await stop(nodes)
})

test("statuses that she asks for as she goes: the last one is told", async () => {
  const nodes = await startNodes(3)
  const [ada, others] = await four(nodes)
  let value = 0
  for (let round = 0; round < 12; round++) {
    // More than are told at once, and those behind them are on their way, or not even that, when she goes.
    for (let count = 0; count < 8; count++) ada.say({ event: "update_status", status: { value: ++value } })
    if (round % 3 > 0) await ada.next("peer_updated_status")
    ada.takeAll()
    expect((await ada.resume((nodes[(round + 1) % 3] as TestNode).port)).complete).toBe(true)
    for (const member of others) {
      for (;;) {
        const { sender_id, status } = await member.next("peer_updated_status")
        if (sender_id === ada.id && (status as { value: number }).value === value) break
      }
    }
  }
  await stop(nodes)
})

test("the answer is lost: the same token is good at every node, until the client has spoken", async () => {
  const nodes = await startNodes(3)
  const [a, b, c] = nodes as [TestNode, TestNode, TestNode]
  const [ada, bob] = await three(nodes)
  let said = 0
  for (const lost of [a, b, c, c, a]) {
    ada.cut()
    bob.tell(ada, said++)
    const socket = await RawSocket.open(lost.port)
    socket.write(textFrame({ event: "resume", token: ada.token, received: ada.received }))
    expect(await socket.nextEvent()).toMatchObject({ event: "resumed", complete: true })
    socket[Symbol.dispose]()
  }
  const used = ada.token
  expect(await ada.resume(b.port)).toMatchObject({ event: "resumed", complete: true })
  await bob.drain()
  await ada.drain()
  expect(ada.heardFrom(bob)).toEqual([0, 1, 2, 3, 4])
  const eve = await Member.join(a.port, "elsewhere")
  eve.token = used
  for (const { port } of nodes) expect(await eve.rival(port)).toMatchObject({ event: "error", id: "resume_failed" })
  expect(await bob.drain()).toEqual([])
  await stop(nodes)
})

test("the answer that counting begins anew is lost: it is given again, at any node", async () => {
  const nodes = await startNodes(4)
  const [a, b, c] = nodes as [TestNode, TestNode, TestNode]
  const [ada, bob, cyd] = await three(nodes.slice(0, 2).reverse())
  expect([bob.id, cyd.id]).not.toContain(ada.id)
  ada.cut()
  expect((await ada.resume(c.port)).complete).toBe(true)
  for (let n = 0; n < 20; n++) ada.say({ event: "ping", received: ada.received })
  for (let n = 0; n < 20; n++) await ada.next("pong")
  c.kill("SIGKILL")
  for (const { port } of [a, a, b]) {
    const socket = await RawSocket.open(port)
    socket.write(textFrame({ event: "resume", token: ada.token, received: ada.received }))
    expect(await socket.nextEvent()).toMatchObject({ event: "resumed", complete: false, received: 0 })
    socket[Symbol.dispose]()
  }
  expect((await ada.resume(a.port)).complete).toBe(false)
  bob.tell(ada, "anew")
  expect(await ada.next()).toMatchObject({ text: "anew" })
  ada.cut()
  expect((await ada.resume(b.port)).complete).toBe(true)
  await stop(nodes.filter((node) => node !== c))
})

test("her node hangs: she is told within two seconds that frames may be lost; and later it can do nothing", async () => {
  const nodes = await startNodes(2)
  const [a, b] = nodes as [TestNode, TestNode]
  const [ada, bob, cyd] = await three(nodes)
  const old = ada.socket
  a.kill("SIGSTOP")
  const began = performance.now()
  expect((await ada.resume(b.port)).complete).toBe(false)
  expect(performance.now() - began).toBeLessThan(2_000)
  a.kill("SIGCONT")
  old.write(textFrame({ event: "send_to_peer", peer_id: bob.id, data: { event: "message", text: "late" } }))
  expect(await old.closed).toBe(4509)
  bob.tell(ada, 1)
  expect(await ada.next("message")).toMatchObject({ text: 1 })
  ada.cut()
  expect((await ada.resume(a.port)).complete).toBe(true)
  for (const member of [bob, cyd]) expect(await member.drain()).toEqual([])
  expect(await b.metric("palava_resume_hand_overs_total", "silent")).toBe(1)
  await stop(nodes)
})

test("another node of the room hangs: nobody knows what it still sends, so she is told that frames may be lost", async () => {
  const nodes = await startNodes(3)
  const [, b, c] = nodes as [TestNode, TestNode, TestNode]
  const [ada, others] = await four(nodes)
  c.kill("SIGSTOP")
  ada.cut()
  expect((await ada.resume(b.port)).complete).toBe(false)
  c.kill("SIGCONT")
  expect(await b.metric("palava_resume_hand_overs_total", "incomplete")).toBe(1)
  for (const other of others) other.tell(ada, "still here")
  for (const _ of others) expect(await ada.next("message")).toMatchObject({ text: "still here" })
  await stop(nodes)
})

test("she closes her new connection before it was answered: she leaves; it breaks: she is held", async () => {
  const nodes = await startNodes(3)
  const [a, b, c] = nodes as [TestNode, TestNode, TestNode]
  for (const ends of ["breaks", "closes"] as const) {
    const [ada, others] = await four(nodes)
    const bob = others[0] as Member
    // It has members in the room, and does not answer: so the node of before waits for a second.
    c.kill("SIGSTOP")
    ada.cut()
    const socket = await RawSocket.open(b.port)
    socket.write(textFrame({ event: "resume", token: ada.token, received: ada.received }))
    await poll(async () => (await a.metric("palava_resume_held_members")) === 0)
    if (ends === "closes") socket.write(new Uint8Array([0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe8]))
    else socket[Symbol.dispose]()
    if (ends === "closes") {
      expect(await bob.next("peer_left")).toEqual({ event: "peer_left", sender_id: ada.id })
      expect(await ada.resume(b.port)).toMatchObject({ id: "resume_failed" })
    } else {
      await poll(async () => (await b.metric("palava_resume_held_members")) === 1)
      expect((await ada.resume(a.port)).complete).toBe(false)
      expect(await bob.drain()).toEqual([])
    }
    c.kill("SIGCONT")
    for (const member of [ada, ...others]) member.cut()
    for (const member of [...others, ...(ends === "breaks" ? [ada] : [])]) {
      await member.resume()
      member.say({ event: "leave_room" })
      await member.drain()
    }
  }
  await stop(nodes)
})
