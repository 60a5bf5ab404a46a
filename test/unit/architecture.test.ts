// docs/architecture.md is the map of the code: what it names is there, what has to be on it is named, and it stays short.

import { expect, test } from "bun:test"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { makeKeys } from "../../src/cluster/redis/keys.ts"
import type { NodeId, PeerId, RoomKey } from "../../src/rooms/ids.ts"

const ROOT = join(import.meta.dir, "../..")
const read = (name: string): string => readFileSync(join(ROOT, name), "utf8")

/** 200 lines: what one reads in one go. */
const MOST_LINES = 200

const map = read("docs/architecture.md")
const contributing = read("CONTRIBUTING.md")

/** What stands in backquotes, and, in the picture, in the fence: it names files too. */
const named = [...map.matchAll(/`([^`\n]+)`/g)].map(([, name = ""]) => name)
const picture = /```\n([\s\S]*?)```/.exec(map)?.[1] ?? ""

const files = readdirSync(join(ROOT, "src"), { recursive: true, encoding: "utf8" })
const baseNames = new Set(files.map((path) => path.split("/").at(-1) ?? ""))

test("every path it names is there", () => {
  for (const [text, names] of [
    ["architecture", named],
    ["contributing", [...contributing.matchAll(/`([^`\n]+)`/g)].map(([, name = ""]) => name)],
  ] as const) {
    const paths = names.filter((name) => /^(src|test|scripts|docs)\/[\w./-]+$/.test(name) && !name.includes("NAME"))
    expect(paths.length).toBeGreaterThan(3)
    for (const path of paths) expect([text, path, existsSync(join(ROOT, path))]).toEqual([text, path, true])
  }
  for (const [, path = ""] of `${map}${contributing}`.matchAll(/\]\(([^)#:]+)(?:#[\w-]+)?\)/g)) {
    const isThere = existsSync(join(ROOT, "docs", path)) || existsSync(join(ROOT, path))
    expect([path, isThere]).toEqual([path, true])
  }
})

test("every file it names without its folder is one of src", () => {
  const short = [...named, ...(picture.match(/[\w-]+\.ts\b/g) ?? [])].filter((name) => /^[\w-]+\.ts$/.test(name))
  expect(short.length).toBeGreaterThan(10)
  for (const name of short) expect([name, baseNames.has(name)]).toEqual([name, true])
})

test("every folder of src is on it", () => {
  const folders = readdirSync(join(ROOT, "src"), { withFileTypes: true }).filter((entry) => entry.isDirectory())
  for (const { name } of folders) expect(map).toContain(`| \`src/${name}\` |`)
})

test("every name in Redis is on it, as keys.ts makes it", () => {
  const keys = makeKeys("palava", false)
  const [room, node] = ["ROOM" as RoomKey, "NODE" as NodeId]
  const rows = new Map(
    [...map.matchAll(/^\| (`\w+`(?:, `\w+`)*) \| `([^`]+)` \|/gm)].flatMap(([, names = "", name = ""]) =>
      names.split(", ").map((key) => [key.slice(1, -1), name] as const),
    ),
  )
  const made: Record<string, string> = {
    leases: keys.leases,
    deployment: keys.deployment,
    room: keys.room(0, room),
    meta: keys.meta(0, room),
    nodes: keys.nodes(0, room),
    replaced: keys.replaced(0, room, "PEER" as PeerId),
    replacedPrefix: `${keys.replacedPrefix(0, room)}PEER`,
    roomsOf: keys.roomsOf(0, node),
    roomsOfPrefix: keys.roomsOfPrefix(0) + node,
    channelPrefix: keys.channelPrefix(0) + node,
    roomPeaks: keys.roomPeaks(0, 0).replace(/0$/, "HOUR"),
    connectionTime: keys.connectionTime(0, 0).replace(/0$/, "HOUR"),
    exports: keys.exports,
    exportLock: keys.exportLock,
  }
  expect([...Object.keys(made), "partitions", "partitionOf", "replacedInfix"].sort()).toEqual(Object.keys(keys).sort())
  for (const [key, name] of Object.entries(made)) {
    expect([key, rows.get(key)]).toEqual([key, name.replace(/^palava:/, "P:").replace("{0}", "{p}")])
  }
})

test("every folder of test is told of", () => {
  const rows = [...contributing.matchAll(/^\| ((?:`\w+`(?:, )?)+) \| /gm)].map(([, names]) => names)
  const folders = readdirSync(join(ROOT, "test"), { withFileTypes: true }).filter((entry) => entry.isDirectory())
  for (const { name } of folders) expect([name, rows.join().includes(`\`${name}\``)]).toEqual([name, true])
})

test("it can be read in one go", () => {
  expect(map.trimEnd().split("\n").length).toBeLessThanOrEqual(MOST_LINES)
})
