// What makes the cluster one that can be simulated: its time comes from the clock it is given, and only its backend knows
// the client of Redis.

import { expect, test } from "bun:test"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"

const CLUSTER = join(import.meta.dir, "../../src/cluster")

const FORBIDDEN =
  /\b(?:setTimeout|setInterval|setImmediate|Date\.now|new Date|performance\.now|Math\.random\(|node:timers|Bun\.sleep)/

const files = readdirSync(CLUSTER, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".ts"))

test("nothing in src/cluster takes time or chance from elsewhere", () => {
  const wrong = files.filter((name) => FORBIDDEN.test(readFileSync(join(CLUSTER, name), "utf8")))
  expect(wrong).toEqual([])
})

test("only its backend knows the client of Redis", () => {
  const knowing = files.filter((name) => readFileSync(join(CLUSTER, name), "utf8").includes('from "redis"'))
  expect(knowing.length).toBeGreaterThan(0)
  expect(knowing.filter((name) => !name.startsWith("redis/"))).toEqual([])
})
