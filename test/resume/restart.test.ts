// A node without Redis is stopped and started again with the same --state-file: who can come back is the member that it was,
// nobody sees that anything happened, and no message is lost or comes twice.

import { afterAll, expect, test } from "bun:test"
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { TestClient } from "../helpers/client.ts"
import { ClientMember } from "../helpers/client-member.ts"
import { startNode, type TestNode } from "../helpers/node.ts"
import { errorOf, Member } from "./member.ts"

const folder = mkdtempSync(join(tmpdir(), "palava-restart-"))
afterAll(() => rmSync(folder, { recursive: true }))

const RESUME_FAILED = errorOf("resume_failed", "cannot resume")

let files = 0
/** The name of a state file that no other test has. */
function newFile(): string {
  return join(folder, `state-${++files}`)
}

function start(file: string, ...args: string[]): Promise<TestNode> {
  return startNode(["--state-file", file, "--shutdown-seconds", "0", ...args])
}

/** Ends it as systemd does, and has all members take what came by then. */
async function stop(node: TestNode, members: readonly Member[], signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
  node.kill(signal)
  for (const member of members) {
    expect(await member.socket.closed).toBe(1001)
    member.cut()
  }
  expect(await node.exited).toBe(0)
  expect(node.complaints()).toBe("")
}

async function joinAll(port: number, names: readonly string[], room = "room"): Promise<Member[]> {
  const members: Member[] = []
  for (const name of names) {
    members.push(await Member.join(port, room, { name }))
    for (const earlier of members.slice(0, -1)) await earlier.next("new_peer")
  }
  return members
}

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  test(`${signal} and a start: messages of all three, from before, during and after, come once and in order`, async () => {
    const file = newFile()
    const first = await start(file)
    const members = await joinAll(first.port, ["ada", "bob", "cyd"])
    const ids = members.map(({ id }) => id)
    let number = 0
    const allTell = (times: number): void => {
      for (let time = 0; time < times; time++) {
        number++
        for (const from of members) for (const to of members) if (from !== to) from.tell(to, number)
      }
    }
    allTell(20)
    first.kill(signal)
    allTell(20)
    await stop(first, members, signal)
    expect(statSync(file).mode & 0o777).toBe(0o600)
    const written = readFileSync(file, "utf8")
    expect(members.filter(({ token }) => written.includes(token.split(".").at(-1) ?? ""))).toEqual([])
    allTell(5)

    await using second = await start(file)
    expect(existsSync(file)).toBe(false)
    for (const member of members) expect(await member.resume(second.port)).toMatchObject({ complete: true })
    allTell(5)
    // All of theirs have arrived: each has heard the others behind its own.
    for (const member of members) await member.drain()
    for (const member of members) await member.drain()
    const numbers = Array.from({ length: number }, (_, index) => index + 1)
    for (const to of members) {
      for (const from of members) if (from !== to) expect(to.heardFrom(from)).toEqual(numbers)
      const events = to.heard.map(({ event }) => event)
      expect(events).not.toContain("peer_left")
      expect(events.filter((event) => event === "new_peer").length).toBe(2 - members.indexOf(to))
    }
    const late = await TestClient.connect(second.url)
    const { peers } = await late.join("room")
    expect(peers).toEqual(ids.map((peer_id, at) => ({ peer_id, status: { name: ["ada", "bob", "cyd"][at] } })))
    expect(await second.metric("palava_resume_requests_total", 'outcome="complete"')).toBe(3)
    // The newcomer's; those who came back joined once.
    expect(await second.metric("palava_joined_room_total")).toBe(1)
    expect(second.complaints()).toBe("")
  })
}

test("who cannot come back has left, in order, before whatever is said next", async () => {
  const file = newFile()
  const first = await start(file)
  const [ada, bob] = (await joinAll(first.port, ["ada", "bob"])) as [Member, Member]
  const plain = await TestClient.connect(first.url)
  await plain.join("room", { name: "plain" })
  for (const member of [ada, bob]) await member.next("new_peer")
  await stop(first, [ada, bob])
  await using second = await start(file)
  await ada.resume(second.port)
  ada.tell(bob, "behind")
  expect(await bob.resume(second.port)).toMatchObject({ complete: true })
  const gone = { event: "peer_left", sender_id: plain.ownId }
  expect((await ada.drain()).filter(({ event }) => event !== "shutdown")).toEqual([gone])
  expect((await bob.drain()).filter(({ event }) => event !== "shutdown")).toEqual([
    gone,
    { event: "message", text: "behind", sender_id: ada.id },
  ])
})

test("a full room stays full, a changed status stays changed and can be changed again", async () => {
  const file = newFile()
  const first = await start(file, "--room-size", "2")
  const [ada, bob] = (await joinAll(first.port, ["ada", "bob"])) as [Member, Member]
  bob.say({ event: "update_status", status: { name: "Robert" } })
  await ada.next("peer_updated_status")
  await stop(first, [ada, bob])
  await using second = await start(file, "--room-size", "2")
  const late = await TestClient.connect(second.url)
  expect(await late.join("room")).toMatchObject({ event: "error", id: "room_full" })
  await ada.resume(second.port)
  await bob.resume(second.port)
  bob.say({ event: "update_status", status: { away: true } })
  expect(await ada.next("peer_updated_status")).toMatchObject({ status: { name: "Robert", away: true } })
  bob.say({ event: "leave_room" })
  expect(await ada.next("peer_left")).toMatchObject({ sender_id: bob.id })
  expect((await late.join("room"))["peers"]).toEqual([{ peer_id: ada.id, status: { name: "ada" } }])
})

test("who does not come back in time leaves as ever, and the time goes on while the node is down", async () => {
  const file = newFile()
  const first = await start(file, "--resume-seconds", "3")
  const [ada, bob] = (await joinAll(first.port, ["ada", "bob"])) as [Member, Member]
  await stop(first, [ada, bob])
  const stoppedAt = performance.now()
  await using second = await start(file, "--resume-seconds", "3")
  await ada.resume(second.port)
  expect(await ada.next("peer_left")).toMatchObject({ sender_id: bob.id })
  expect(performance.now() - stoppedAt).toBeGreaterThan(2_900)
  expect(performance.now() - stoppedAt).toBeLessThan(3_900)
  expect(await bob.resume(second.port)).toMatchObject(RESUME_FAILED)
  expect(await second.metric("palava_resume_expired_total")).toBe(1)
  expect(await second.metric("palava_leave_room_total")).toBe(1)
})

test("a token works once, and after a crash nobody is brought back by a file of before", async () => {
  const file = newFile()
  const first = await start(file)
  const [ada] = (await joinAll(first.port, ["ada"])) as [Member]
  await stop(first, [ada])
  const second = await start(file)
  const { token } = ada
  await ada.resume(second.port)
  // Until she speaks, the answer may have been lost.
  await ada.drain()
  const latest = ada.token
  ada.token = token
  expect(await ada.rival(second.port)).toMatchObject(RESUME_FAILED)
  second.kill("SIGKILL")
  await second.exited
  await using third = await start(file)
  for (const known of [token, latest]) {
    ada.token = known
    expect(await ada.rival(third.port)).toMatchObject(RESUME_FAILED)
  }
  expect((await (await TestClient.connect(third.url)).join("room"))["peers"]).toEqual([])
})

test("again and again: the numbers go on, and who was away at a stop keeps what it missed", async () => {
  const file = newFile()
  let node = await start(file)
  const [ada, bob] = (await joinAll(node.port, ["ada", "bob"])) as [Member, Member]
  const sent: number[] = []
  for (let round = 1; round <= 5; round++) {
    // Bob stays away over two stops.
    if (round % 2 === 1) bob.cut()
    ada.tell(bob, round)
    sent.push(round)
    await ada.drain()
    await stop(node, [ada])
    node = await start(file)
    expect(await ada.resume(node.port)).toMatchObject({ complete: true })
    if (round % 2 === 0) expect(await bob.resume(node.port)).toMatchObject({ complete: true })
  }
  expect(await bob.resume(node.port)).toMatchObject({ complete: true })
  await bob.drain()
  expect(bob.heardFrom(ada)).toEqual(sent)
  expect(await ada.drain()).toEqual([])
  await node.stop()
})

test("three pages with our own client come back by themselves, complete, with their ids", async () => {
  const file = newFile()
  const first = await start(file)
  const pages = [new ClientMember(first.url), new ClientMember(first.url), new ClientMember(first.url)]
  const [ada, bob, cyd] = pages as [ClientMember, ClientMember, ClientMember]
  const ids: string[] = []
  for (const page of pages) ids.push((await page.client.join("room")).ownId)
  await ada.until(() => ada.told.filter(([name]) => name === "new_peer").length === 2)
  await bob.until(() => bob.told.filter(([name]) => name === "new_peer").length === 1)
  for (const page of pages) page.told.length = 0
  let last = 0
  const all = (): unknown[] => Array.from({ length: last }, (_, index) => index + 1)
  const say = (times: number): void => {
    for (let time = 0; time < times; time++) {
      last++
      for (const from of pages)
        for (const id of ids) {
          if (id === ids[pages.indexOf(from)]) continue
          expect(from.client.send(id, { event: "message", data: last })).toBe(true)
        }
    }
  }
  say(20)
  first.kill("SIGTERM")
  say(20)
  expect(await first.exited).toBe(0)
  say(20)
  await using second = await start(file, "--port", String(first.port))
  for (const page of pages) await page.until(() => page.told.length > 0)
  say(1)
  for (const page of pages) await page.until(() => page.heard.length === 2 * last)
  for (const page of pages) {
    expect(page.told).toEqual([["resumed", expect.objectContaining({ complete: true })]])
    // Of both others.
    expect(page.heard.toSorted((a, b) => Number(a) - Number(b))).toEqual(all().flatMap((n) => [n, n]))
  }
  const late = await TestClient.connect(second.url)
  expect(((await late.join("room"))["peers"] as { peer_id: string }[]).map(({ peer_id }) => peer_id)).toEqual(ids)
  for (const page of [ada, bob, cyd]) page[Symbol.dispose]()
  expect(second.complaints()).toBe("")
})
