// What the executable writes to stderr: in which form, how much, and never what is nobody's business.

import { expect, test } from "bun:test"
import { closeSync, fstatSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { TestClient } from "../helpers/client.ts"
import { startNode, type TestNode } from "../helpers/node.ts"
import { poll } from "../helpers/redis.ts"

const EXECUTABLE = join(import.meta.dir, "../../dist/palava-machine")

/** The lines so far, read from JSON. */
function linesOf(node: TestNode): { level: string; msg: string; [field: string]: unknown }[] {
  return node
    .log()
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line))
}

test("JSON with names of levels: what listens where, the end", async () => {
  await using node = await startNode()
  await using client = await TestClient.connect(node.url)
  await client.join("tea")
  node.kill("SIGINT")
  expect(await node.exited).toBe(0)
  const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
  expect(linesOf(node)).toEqual([
    {
      level: "info",
      time,
      version: expect.stringMatching(/^\d+\.\d+\.\d+/),
      node: expect.any(String),
      browsers: `ws://127.0.0.1:${node.port}/`,
      admin: `http://127.0.0.1:${node.adminPort}/`,
      msg: "listening",
    },
    { level: "info", time, connections: 1, msg: "stopping at once" },
    { level: "info", time, msg: "stopped" },
  ])
})

test("--log-format text is for people, wherever it goes", async () => {
  await using node = await startNode(["--log-format", "text"])
  expect(node.log()).toMatch(
    /^\d{4}-\S+Z info {2}listening {2}version=\S+ {2}node=\S+ {2}browsers=ws:\/\/127.0.0.1:\d+\/ /,
  )
})

test("on a terminal it is text", async () => {
  const command = `timeout -s INT 1 ${EXECUTABLE} --port 0 --admin-listen off`
  const child = Bun.spawn(["script", "-qec", command, "/dev/null"], { env: { PATH: process.env["PATH"] ?? "" } })
  expect(await new Response(child.stdout).text()).toMatch(/^\S+Z info {2}listening {2}/m)
})

test("under systemd it has priorities, but not in a file that a shell put in the journal's place", async () => {
  const folder = mkdtempSync(join(tmpdir(), "palava-logs-"))
  const run = async (inode: (own: bigint) => bigint, ...more: string[]): Promise<string> => {
    const path = join(folder, "stderr")
    const file = openSync(path, "w")
    const { dev, ino } = fstatSync(file, { bigint: true })
    const env = { JOURNAL_STREAM: `${dev}:${inode(ino)}` }
    const args = ["--port", "0", "--admin-listen", "off", ...more]
    const child = Bun.spawn([EXECUTABLE, ...args], { env, stdout: "ignore", stderr: file })
    await Promise.race([child.exited, poll(() => readFileSync(path, "utf8").includes("listening"))])
    child.kill("SIGINT")
    await child.exited
    closeSync(file)
    return readFileSync(path, "utf8")
  }
  const lines = (await run((own) => own)).trimEnd().split("\n")
  expect(lines).toHaveLength(3)
  expect(lines[0]).toMatch(/^<6>listening {2}version=/)
  for (const line of lines) expect(line).toStartWith("<6>")
  expect(await run((own) => own + 1n)).toStartWith('{"level":"info"')
  expect(await run((own) => own, "--room-size", "0")).toStartWith("<3>palava-machine: --room-size: ")
  rmSync(folder, { recursive: true })
})

test("SIGUSR2 switches to debug and back", async () => {
  await using node = await startNode(["--log-level", "warn"])
  const changes = () => linesOf(node).map(({ level, msg, to }) => [level, msg, to])
  node.kill("SIGUSR2")
  await poll(() => changes().length === 1)
  node.kill("SIGUSR2")
  await poll(() => changes().length === 2)
  expect(changes()).toEqual([
    ["info", "log level changed", "debug"],
    ["info", "log level changed", "warn"],
  ])
  node.kill("SIGINT")
  await node.exited
  expect(changes()).toHaveLength(2)
})

test("refused origins: one line for a hundred, with what was refused", async () => {
  await using node = await startNode(["--origin", "https://call.example"])
  const evil = `https://evil.example/${"x".repeat(1000)}`
  for (let at = 0; at < 100; at++) {
    const headers = { connection: "Upgrade", upgrade: "websocket", origin: evil }
    expect((await fetch(node.httpUrl, { headers })).status).toBe(403)
  }
  node.kill("SIGINT")
  await node.exited
  const refused = linesOf(node).filter(({ msg }) => msg.includes("origin"))
  expect(refused).toEqual([
    expect.objectContaining({ level: "warn", msg: "an origin was refused", origin: evil.slice(0, 100), times: 1 }),
  ])
})

for (const level of ["info", "debug"]) {
  test(`traffic at ${level}: no room, no name, no SDP, no candidate, no address, no peer`, async () => {
    await using node = await startNode(["--log-level", level, "--host", "0.0.0.0", "--room-size", "2"])
    const url = `ws://127.0.0.1:${node.port}/`
    const headers = { "x-forwarded-for": "198.51.100.7", origin: "https://secret-origin.example" }
    await using first = await TestClient.connect(url, { headers })
    await using second = await TestClient.connect(`${url}?token=secret-token`, { headers })
    await using third = await TestClient.connect(url, { headers })
    const room = "secret-room"
    await first.join(room, { name: "secret-name" })
    await second.join(room, { name: "secret-name" })
    expect((await third.join(room))["id"]).toBe("room_full")
    const say = (data: object) => first.send({ event: "send_to_peer", peer_id: second.ownId, data })
    say({ event: "offer", sdp: "v=0 secret-sdp" })
    say({ event: "ice_candidate", candidate: "candidate:1 1 udp 1 198.51.100.8 9 typ host secret-candidate" })
    say({ event: "message", text: "secret-text" })
    await second.next("message")
    first.send({ event: "update_status", status: { name: "secret-status" } })
    await second.next("peer_updated_status")
    first.send("secret-no-json")
    first.send({ event: "secret-event", token: "secret-token" })
    first.send({ event: "send_to_peer", peer_id: "secret-peer", data: { event: "offer" } })
    first.send({ event: "join_room", room_id: "secret-other" })
    await first.drain()
    second.terminate()
    await first.next("peer_left")
    first.send({ event: "leave_room" })
    await first.drain()
    first.send(new Uint8Array([1]))
    await first.closed
    expect((await fetch(`${node.httpUrl}secret-path?token=secret-token`)).status).toBe(404)
    node.kill("SIGINT")
    expect(await node.exited).toBe(0)
    const ids = [first.ownId, second.ownId]
    for (const secret of ["secret", "candidate", "v=0", "198.51.100", ...ids]) expect(node.log()).not.toContain(secret)
    // Its own address, where it listens; none of a client.
    expect(node.log().match(/127\.0\.0\.\d+(?::\d+)?/g)).toEqual([`127.0.0.1:${node.adminPort}`])
    expect(linesOf(node).map(({ msg }) => msg)).toEqual(["listening", "stopping at once", "stopped"])
  })
}
