// A state file that may not or cannot be used: one line says why and what would be right, the server starts as ever, and its
// clients join anew. What is no state file of this user is left as it is, also when the server stops.

import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { runExecutable, startNode } from "../helpers/node.ts"
import { startRedis } from "../helpers/redis.ts"
import { errorOf, Member } from "./member.ts"

const folder = mkdtempSync(join(tmpdir(), "palava-state-"))
afterAll(() => rmSync(folder, { recursive: true }))

/** As it was written at the stop of a node with one member, whose client is `ada`. */
let good = ""
let ada: Member
beforeAll(async () => {
  const file = join(folder, "good")
  const node = await startNode(["--state-file", file, "--shutdown-seconds", "0"])
  ada = await Member.join(node.port, "room", { name: "Ada" })
  node.kill("SIGTERM")
  await ada.socket.closed
  await node.exited
  good = readFileSync(file, "utf8")
})

/** The state with some of it replaced. */
function changed(fields: object): string {
  return JSON.stringify({ ...JSON.parse(good), ...fields })
}

/** The state with its one member changed. */
function withMember(fields: object): string {
  const [{ room, members }] = JSON.parse(good).dialects.palava
  return changed({ dialects: { palava: [{ room, members: [{ ...members[0], ...fields }] }] } })
}

interface Case {
  readonly name: string
  readonly make: (path: string) => void
  readonly reason: RegExp
  /** Whether it is left as it is. */
  readonly stays: boolean
}

function written(name: string, text: () => string, reason: RegExp, mode = 0o600): Case {
  const make = (path: string) => {
    writeFileSync(path, text())
    chmodSync(path, mode)
  }
  return { name, make, reason, stays: false }
}

const USELESS: readonly Case[] = [
  written("of another version", () => changed({ palavaState: 2 }), /it has format 2, this version reads 1/),
  written("of a version that is none", () => changed({ palavaState: "x".repeat(1000) }), /it has format x{20}, this/),
  written("of another machine", () => changed({ machine: "another" }), /it is of another machine/),
  written("too old", () => changed({ writtenAt: Date.now() - 60_000 }), /it is 6\d s old, --resume-seconds allows 30/),
  written("from the future", () => changed({ writtenAt: Date.now() + 60_000 }), /it is from the future/),
  written("truncated", () => good.slice(0, -100), /it is not complete/),
  written("that is empty", () => "", /it is not complete/),
  written("without a node", () => changed({ node: undefined }), /it is damaged/),
  written("with rooms that are none", () => changed({ dialects: { palava: 1 } }), /damaged/),
  written("with a member without a token", () => withMember({ proof: "" }), /damaged/),
  written("with a status that is no JSON", () => withMember({ status: "},{" }), /damaged/),
  written(
    "with more frames than were sent",
    () => {
      return withMember({ resumption: { received: 1, sent: 0, frames: ["{}"], isExact: true } })
    },
    /damaged/,
  ),
  written("that others may read", () => good, /others may use it \(mode 644, not 600\)/, 0o644),
]

const FOREIGN: readonly Case[] = [
  {
    name: "that is a symbolic link",
    make(path) {
      writeFileSync(`${path}.target`, good, { mode: 0o600 })
      symlinkSync(`${path}.target`, path)
    },
    reason: /it is a symbolic link/,
    stays: true,
  },
  { name: "that is a folder", make: (path) => mkdirSync(path), reason: /it is no regular file/, stays: true },
  {
    name: "that is a pipe",
    make: (path) => void Bun.spawnSync(["mkfifo", path]),
    reason: /it is no regular file/,
    stays: true,
  },
  {
    name: "of 1 GB",
    make(path) {
      writeFileSync(path, good, { mode: 0o600 })
      truncateSync(path, 2 ** 30)
    },
    reason: /it has 1073741824 bytes, of which a state file has 402653184 at most/,
    stays: true,
  },
  { ...written("that is garbage", () => "dear diary\n", /it is no state file/), stays: true },
]

async function startsWithout(path: string, reason: RegExp): Promise<void> {
  await using node = await startNode(["--state-file", path, "--shutdown-seconds", "0"])
  expect(await ada.rival(node.port)).toMatchObject(errorOf("resume_failed", "cannot resume"))
  const lines = node.complaints().trimEnd().split("\n")
  expect(lines).toEqual([expect.stringMatching(reason)])
  // There is somebody to hold when it stops.
  const bob = await Member.join(node.port)
  node.kill("SIGTERM")
  await bob.socket.closed
  expect(await node.exited).toBe(0)
}

describe("a state file", () => {
  for (const [index, { name, make, reason, stays }] of [...USELESS, ...FOREIGN].entries()) {
    test(name, async () => {
      const path = join(folder, `bad-${index}`)
      make(path)
      const before = lstatSync(path)
      await startsWithout(path, reason)
      const after = lstatSync(path)
      expect(after.ino === before.ino && after.mtimeMs === before.mtimeMs).toBe(stays)
      if (!stays) expect(JSON.parse(readFileSync(path, "utf8")).palavaState).toBe(1)
    })
  }

  test.skipIf(process.getuid?.() !== 0)("of another user (needs root)", async () => {
    const path = join(folder, "others")
    writeFileSync(path, good, { mode: 0o600 })
    chownSync(path, 65534, 65534)
    await startsWithout(path, /it belongs to user 65534, not to 0/)
    expect([statSync(path).uid, readFileSync(path, "utf8")]).toEqual([65534, good])
  })

  test("in a folder that is not there is a mistake, told at once", async () => {
    const { code, stderr } = await runExecutable(["--port", "0", "--state-file", join(folder, "no", "state")])
    expect([code, stderr]).toEqual([1, `palava-machine: --state-file: ${join(folder, "no")} is not there\n`])
  })

  test("is neither read nor written with Redis, nor where nobody may come back", async () => {
    await using redis = await startRedis()
    const path = join(folder, "kept")
    writeFileSync(path, good, { mode: 0o600 })
    for (const args of [
      ["--redis", redis.url],
      ["--resume-seconds", "0"],
    ]) {
      const node = await startNode(["--state-file", path, "--shutdown-seconds", "0", ...args])
      expect(await node.stop()).toBe(0)
      expect(node.complaints()).toBe("")
      expect(readFileSync(path, "utf8")).toBe(good)
    }
  })

  test("is not written when nobody is held", async () => {
    const path = join(folder, "nobody")
    const node = await startNode(["--state-file", path])
    expect(await node.stop()).toBe(0)
    expect(existsSync(path)).toBe(false)
  })
})
