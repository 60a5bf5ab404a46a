// What keeps happening is told seldom, and what is told reads well: minutes of virtual time.

import { beforeEach, describe, expect, test } from "bun:test"
import type { Clock } from "../../src/clock.ts"
import { Nodes } from "../../src/cluster/nodes.ts"
import { Outages } from "../../src/cluster/outage.ts"
import { Seldom } from "../../src/log.ts"
import type { NodeId } from "../../src/rooms/ids.ts"
import { toJournal, toText } from "../../src/telemetry/lines.ts"
import { VirtualTime } from "../helpers/virtual-time.ts"

const MINUTE = 60_000
const REDIS = "redis.example:6379"

let time: VirtualTime
let clock: Clock
/** Message and fields of each line. */
let lines: [string, object][]
const log = {
  info: (message: string, fields: object) => lines.push([message, fields]),
  warn: (message: string, fields: object) => lines.push([message, fields]),
}
beforeEach(() => {
  time = new VirtualTime()
  lines = []
  clock = {
    monotonicMs: () => time.now,
    unixMs: () => time.now,
    after: (ms, call) => time.after(ms, call),
    soon: (call) => time.after(0, call),
  }
})

function pass(ms: number): void {
  time.runUntil(time.now + ms)
}

describe("what keeps happening", () => {
  test("is told at once, then once a minute with its count, and again at once after a quiet minute", () => {
    const told: [string, number][] = []
    const seldom = new Seldom<string>(clock, (latest, times) => told.push([latest, times]))
    seldom.add("a")
    expect(told).toEqual([["a", 1]])
    for (let at = 0; at < 1000; at++) seldom.add(`b${at}`)
    expect(told).toHaveLength(1)
    pass(MINUTE)
    expect(told.slice(1)).toEqual([["b999", 1000]])
    pass(10 * MINUTE)
    expect(told).toHaveLength(2)
    seldom.add("c")
    expect(told.slice(2)).toEqual([["c", 1]])
  })
})

describe("Redis", () => {
  test("that is not there: a line at once, a line a minute, and one when it is there", () => {
    const outages = new Outages(REDIS, clock, log)
    for (let second = 0; second < 150; second++) {
      outages.failed("WRONGPASS")
      pass(1000)
    }
    outages.up()
    const refused = { redis: REDIS, reason: "WRONGPASS", now: "away" }
    expect(lines).toEqual([
      ["redis cannot be used", { ...refused, times: 1 }],
      ["redis cannot be used", { ...refused, times: 59 }],
      ["redis cannot be used", { ...refused, times: 60 }],
      ["redis can be used", { redis: REDIS, seconds: 150 }],
    ])
  })

  test("that is lost and comes back: a line each, with how long and how often it was tried", () => {
    const outages = new Outages(REDIS, clock, log)
    outages.up()
    pass(2 * MINUTE)
    for (const reason of ["reset", "refused", "refused"]) {
      outages.failed(reason)
      pass(1000)
    }
    outages.up()
    pass(2 * MINUTE)
    outages.failed("reset")
    expect(lines).toEqual([
      ["redis can be used", { redis: REDIS, seconds: 0 }],
      ["redis connection lost", { redis: REDIS, reason: "reset", times: 1, now: "away" }],
      ["redis is back", { redis: REDIS, seconds: 3, failures: 2 }],
      ["redis connection lost", { redis: REDIS, reason: "reset", times: 1, now: "away" }],
    ])
  })

  test("that comes and goes all the time: no more than a few lines a minute", () => {
    const outages = new Outages(REDIS, clock, log)
    outages.up()
    for (let at = 0; at < 6000; at++) {
      outages.failed("reset")
      pass(50)
      outages.up()
      pass(50)
    }
    expect(lines.length).toBeGreaterThan(10)
    expect(lines.length).toBeLessThan(30)
    const last = lines.findLast(([message]) => message === "redis connection lost")
    expect(last?.[1]).toMatchObject({ times: 600 })
  })

  test("nothing is told behind the end", () => {
    const outages = new Outages(REDIS, clock, log)
    outages.failed("refused")
    outages.failed("refused")
    outages.stop()
    pass(2 * MINUTE)
    expect(lines).toHaveLength(1)
  })
})

test("a node is told of when it is heard, once when it is lost, and when it comes again", () => {
  const [own, other] = ["own" as NodeId, "other" as NodeId]
  const nodes = new Nodes(own, log)
  for (let at = 0; at < 3; at++) for (const node of [own, other]) nodes.heard(node)
  for (let at = 0; at < 3; at++) nodes.ended(other)
  nodes.heard(other)
  nodes.ended(other)
  expect(lines.map(([message]) => message)).toEqual(["node seen", "node lost", "node seen", "node lost"])
  expect(lines.every(([, fields]) => (fields as { node: string }).node === other)).toBe(true)
})

describe("lines for people", () => {
  const line = {
    level: "warn",
    time: "2030-01-02T03:04:05.678Z",
    msg: "it \u001b[31mis\nred",
    origin: "https://a.example",
    text: 'two "words"\n\u001b[0m',
    times: 3,
    err: { stack: "Error: x\n    at here\r\n    at there\u0007" },
  }

  test("on a terminal: one line and the stack, and nobody can steer the terminal", () => {
    expect(toText(line)).toBe(
      [
        '2030-01-02T03:04:05.678Z warn  it \\u001b[31mis\\nred  origin=https://a.example  text="two \\"words\\"\\n\\u001b[0m"  times=3',
        "    Error: x",
        "    at here",
        "    at there\\u0007",
        "",
      ].join("\n"),
    )
  })

  test("in the journal: a priority for each line, no time", () => {
    const told = toJournal(line).trimEnd().split("\n")
    expect(told).toHaveLength(4)
    for (const part of told) expect(part).toStartWith("<4>")
    for (const [level, priority] of Object.entries({ debug: 7, info: 6, error: 3 }))
      expect(toJournal({ level, time: "", msg: "hello" })).toBe(`<${priority}>hello\n`)
  })
})
