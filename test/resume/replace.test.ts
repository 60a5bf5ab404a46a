// `--replace`: another build of the executable takes the place of one that runs, on the same ports: clients keep their ids,
// nobody sees anybody leave, no message is lost, and no connection is refused. Where it cannot be, one of the two serves on.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { mkdtempSync, rmSync } from "node:fs"
import { createConnection } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { TestClient } from "../helpers/client.ts"
import { ClientMember } from "../helpers/client-member.ts"
import { runExecutable, startNode, type TestNode } from "../helpers/node.ts"
import { startRedis } from "../helpers/redis.ts"
import { errorOf, Member } from "./member.ts"
import { buildOther } from "./other-build.ts"

const folder = mkdtempSync(join(tmpdir(), "palava-replace-"))
afterAll(() => rmSync(folder, { recursive: true }))

const NEXT = join(folder, "next")
const LATER = join(folder, "later")
const VERSION = ["package.json", '"version": "2.0.0"'] as const
beforeAll(async () => {
  await buildOther(NEXT, [[...VERSION, '"version": "2.0.1"']])
  await buildOther(LATER, [
    [...VERSION, '"version": "3.0.0"'],
    ["src/app/state.ts", "STATE_FORMAT = 1", "STATE_FORMAT = 2"],
  ])
}, 120_000)

let files = 0
function newFile(): string {
  return join(folder, `state-${++files}`)
}

/** Starts one that takes the place of `node`, on its ports. */
function replace(
  node: Pick<TestNode, "port" | "adminPort">,
  file: string,
  executable?: string,
  ...args: string[]
): Promise<TestNode> {
  const ports = ["--port", `${node.port}`, "--admin-listen", `127.0.0.1:${node.adminPort}`]
  return startNode(["--state-file", file, "--replace", ...ports, ...args], {}, executable)
}

/** Connects, asks and hangs up, over and over, as fast as it is answered: how many times it worked, and what went wrong. */
function knock(port: number): { end(): Promise<{ answered: number; failures: string[] }> } {
  let isOver = false
  let answered = 0
  const failures: string[] = []
  const once = (): Promise<void> =>
    new Promise((resolve) => {
      const socket = createConnection({ port, host: "127.0.0.1" })
      let isAnswered = false
      socket.on("connect", () => socket.write("GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"))
      socket.on("data", (bytes: Buffer) => {
        if (bytes.toString().startsWith("HTTP/1.1 200")) isAnswered = true
      })
      socket.on("error", ({ message }) => failures.push(message))
      socket.on("close", () => {
        if (isAnswered) answered++
        else failures.push("no answer")
        resolve()
      })
    })
  const loop = async (): Promise<void> => {
    while (!isOver) await once()
  }
  const loops = Promise.all(Array.from({ length: 8 }, loop))
  return {
    async end() {
      isOver = true
      await loops
      return { answered, failures }
    },
  }
}

test("a call set-up goes on through three builds: same ids, nothing lost, no connection refused", async () => {
  const file = newFile()
  const first = await startNode(["--state-file", file])
  let node = first
  const knocking = knock(node.port)
  const pages = [new ClientMember(node.url), new ClientMember(node.url), new ClientMember(node.url)]
  const ids: string[] = []
  for (const page of pages) ids.push((await page.client.join("room")).ownId)
  for (const [index, page] of pages.entries()) {
    await page.until(() => page.told.filter(([name]) => name === "new_peer").length === 2 - index)
    page.told.length = 0
  }
  let last = 0
  const say = (): void => {
    last++
    for (const [from, page] of pages.entries()) {
      for (const [to, id] of ids.entries()) if (to !== from) page.client.send(id, { event: "message", data: last })
    }
  }
  const versions: string[] = []
  for (const executable of [NEXT, undefined, NEXT]) {
    for (const page of pages) page.told.length = 0
    const talking = setInterval(say, 5)
    const next = await replace(first, file, executable)
    expect(await node.exited).toBe(0)
    for (const page of pages) await page.until(() => page.told.length > 0)
    clearInterval(talking)
    expect(node.complaints() + next.complaints()).toBe("")
    node = next
    versions.push(JSON.parse(await (await fetch(`${first.adminUrl}readyz`, JSON_ANSWER)).text()).version)
    for (const page of pages) expect(page.told).toEqual([["resumed", expect.objectContaining({ complete: true })]])
  }
  say()
  for (const page of pages) await page.until(() => page.heard.length === 2 * last)
  for (const page of pages) {
    const numbers = Array.from({ length: last }, (_, index) => [index + 1, index + 1]).flat()
    expect(page.heard.toSorted((a, b) => Number(a) - Number(b))).toEqual(numbers)
  }
  expect(versions).toEqual(["2.0.1", "2.0.0", "2.0.1"])
  const { answered, failures } = await knocking.end()
  expect(failures).toEqual([])
  expect(answered).toBeGreaterThan(500)
  for (const page of pages) page[Symbol.dispose]()
  expect(await node.stop()).toBe(0)
})

const JSON_ANSWER = { headers: { accept: "application/json" } }

test("whoever cannot come back is seen to leave, and is not in the next one", async () => {
  const file = newFile()
  const first = await startNode(["--state-file", file])
  const ada = await Member.join(first.port, "room", { name: "ada" })
  const plain = await TestClient.connect(first.url)
  await plain.join("room")
  await ada.next("new_peer")
  await using second = await replace(first, file)
  expect(await plain.closed).toMatchObject({ code: 1001 })
  expect(plain.all.filter(({ event }) => event === "peer_left")).toEqual([])
  expect(await ada.socket.closed).toBe(1001)
  ada.cut()
  expect(await ada.resume(second.port)).toMatchObject({ own_id: ada.id, complete: true })
  expect(await ada.next("peer_left")).toMatchObject({ sender_id: plain.ownId })
  const late = await TestClient.connect(second.url)
  expect((await late.join("room"))["peers"]).toEqual([{ peer_id: ada.id, status: { name: "ada" } }])
})

for (const [what, from, to] of [
  ["a later one", undefined, LATER],
  ["an earlier one", LATER, undefined],
] as const) {
  test(`${what}, which does not read what is held: clients join anew, a line at both says why`, async () => {
    const file = newFile()
    const first = await startNode(["--state-file", file], {}, from)
    const ada = await Member.join(first.port)
    await using second = await replace(first, file, to)
    expect(await first.exited).toBe(0)
    ada.cut()
    expect(await ada.resume(second.port)).toMatchObject(errorOf("resume_failed", "cannot resume"))
    expect(first.complaints().trim()).toMatch(/^[^\n]*the other process does not read what is held here[^\n]*$/)
    expect(second.complaints().trim()).toMatch(/^[^\n]*it has format [12], this version reads [12][^\n]*$/)
    // Nor does the next start bring back what was not handed over.
    expect((await TestClient.connect(second.url).then((client) => client.join("room")))["peers"]).toEqual([])
  })
}

test("nobody runs: it starts, and can be replaced itself", async () => {
  const file = newFile()
  const first = await startNode(["--state-file", file, "--replace"])
  await using second = await replace(first, file)
  expect(await first.exited).toBe(0)
  expect(await TestClient.connect(second.url)).toBeDefined()
})

test("without --replace a port that is taken is taken, and so is a state file; the running server serves on", async () => {
  const file = newFile()
  await using node = await startNode(["--state-file", file])
  const refused = async (...args: string[]): Promise<string> => {
    const { code, stderr } = await runExecutable(["--host", "127.0.0.1", ...args])
    expect(code).toBe(1)
    return stderr
  }
  const taken = `--port: cannot listen on 127.0.0.1:${node.port}: the port is taken`
  expect(await refused("--port", `${node.port}`)).toContain(taken)
  expect(await refused("--port", `${node.port}`, "--state-file", file)).toContain(taken)
  expect(await refused("--port", `${node.port}`, "--state-file", newFile())).toContain(taken)
  expect(await refused("--port", `${node.port}`, "--state-file", newFile(), "--replace")).toContain(taken)
  const admin = ["--port", "0", "--admin-listen", `127.0.0.1:${node.adminPort}`]
  expect(await refused(...admin, "--state-file", newFile())).toContain("--admin-listen: cannot listen")
  const other = await refused("--port", "0", "--admin-listen", "off", "--state-file", file)
  expect(other).toContain(`--state-file: another server uses ${file}; --replace would take its place\n`)
  expect((await fetch(`${node.httpUrl}healthz`)).status).toBe(200)
  expect(node.complaints()).toBe("")
})

test("one that hangs is not replaced, and serves on", async () => {
  const file = newFile()
  await using node = await startNode(["--state-file", file])
  const ada = await Member.join(node.port)
  node.kill("SIGSTOP")
  const { code, stderr } = await runExecutable([
    ...["--host", "127.0.0.1", "--port", `${node.port}`, "--admin-listen", "off", "--state-file", file, "--replace"],
  ])
  node.kill("SIGCONT")
  expect([code, stderr]).toEqual([
    1,
    "palava-machine: --replace: the running server does not answer, or cannot be replaced; it goes on\n",
  ])
  expect(await ada.drain()).toEqual([])
  await using next = await replace(node, file)
  ada.cut()
  expect(await ada.resume(next.port)).toMatchObject({ complete: true })
})

test("one that does not come up leaves the running one as it was", async () => {
  const file = newFile()
  await using node = await startNode(["--state-file", file])
  const ada = await Member.join(node.port)
  const { code, stderr } = await runExecutable([
    ...["--host", "127.0.0.1", "--port", "1", "--admin-listen", "192.0.2.1:1", "--state-file", file, "--replace"],
  ])
  expect([code, stderr]).toEqual([1, expect.stringContaining("cannot listen on")])
  expect(await ada.drain()).toEqual([])
  expect(node.complaints()).toBe("")
})

test("nonsense at its socket, and a hello of another protocol, do nothing", async () => {
  const file = newFile()
  await using node = await startNode(["--state-file", file])
  for (const text of ["\n", "{}\n", "nonsense\n", '{"palavaReplace":2,"formats":[9]}\n', "x".repeat(1_000_000)]) {
    await new Promise<void>((resolve) => {
      const socket = createConnection(`${file}.sock`, () => socket.write(text))
      socket.on("error", () => {})
      socket.on("close", () => resolve())
      socket.resume()
    })
  }
  const hasLeft = new Promise<void>((resolve) => {
    const socket = createConnection(`${file}.sock`, () => {
      socket.write('{"palavaReplace":1,"formats":[1],"version":"2","pid":1}\n{"take":true}\n')
      socket.once("data", () => socket.destroy())
      socket.once("close", () => resolve())
    })
  })
  await hasLeft
  expect((await fetch(`${node.httpUrl}healthz`)).status).toBe(200)
  expect(node.complaints()).toBe("")
})

test("--replace needs a state file", async () => {
  const { code, stderr } = await runExecutable(["--port", "0", "--replace"])
  expect([code, stderr]).toEqual([2, "palava-machine: --replace needs --state-file, that of the running server\n"])
})

test("with Redis: the next one is there before the old one stops, and members move to it", async () => {
  await using redis = await startRedis()
  const file = newFile()
  const first = await startNode(["--state-file", file, "--redis", redis.url, "--shutdown-seconds", "0"])
  const knocking = knock(first.port)
  const ada = await Member.join(first.port, "room", { name: "ada" })
  const bob = await Member.join(first.port, "room", { name: "bob" })
  await ada.next("new_peer")
  await using second = await replace(first, file, NEXT, "--redis", redis.url)
  for (const member of [ada, bob]) {
    expect(await member.socket.closed).toBe(1001)
    member.cut()
    expect(await member.resume(second.port)).toMatchObject({ event: "resumed", own_id: member.id })
  }
  expect(await first.exited).toBe(0)
  ada.tell(bob, "still here")
  expect(await bob.next("message")).toMatchObject({ text: "still here" })
  expect((await knocking.end()).failures).toEqual([])
})
