// One attack on one node: what two honest peers beside it got, and what it cost the node. The figures are rows of the table in
// docs/attacks.md.

import { readFileSync } from "node:fs"
import { join } from "node:path"
import { TestClient, type WireEvent } from "../helpers/client.ts"
import { IS_LONG } from "../helpers/long-runs.ts"
import { startNode, type TestNode } from "../helpers/node.ts"

/** 20 ms: each of the honest says 50 messages a second. */
const EVERY_MS = 20

/** 1 s without an attack, to know what the machine does anyway. */
const QUIET_MS = 1_000

/** Seconds an attack takes: a look in a test run, and for the table. */
const ATTACK_SECONDS = IS_LONG ? 10 : 1.5

/** 20 s after the end of a long one, memory has to be given back. */
const AFTER_MS = IS_LONG ? 20_000 : 0

/** The address of the honest, as a trusted proxy says it: the attacker comes from another. */
const HONEST = { headers: { "X-Forwarded-For": "203.0.113.7" } }

/** What became of it. */
export interface Outcome {
  readonly attack: string
  /** What the attacker counts: writes, connections. */
  readonly done: number
  readonly sent: number
  /** What the honest did not get, or got wrong. */
  readonly wrong: readonly unknown[]
  /** Milliseconds of a message between the honest: before the attack, and during it. */
  readonly quietP99: number
  readonly p50: number
  readonly p99: number
  /** Upper bound of the event loop's worst lag, in milliseconds. */
  readonly lagMs: number
  /** Share of the machine that had nothing to do meanwhile. */
  readonly idle: number
  /** Share of one core that the node took. */
  readonly cpu: number
  /** Megabytes of the node: before, at most, and 20 s after a long attack. */
  readonly rss: { readonly before: number; readonly most: number; readonly after: number }
  readonly refused: number
  readonly complaints: string
}

/** Two peers in a room who talk all the time. */
class Honest {
  readonly clients: readonly [TestClient, TestClient]
  sent = 0
  #timer: Timer | undefined
  readonly #sentAt: number[] = []
  readonly #latencies: number[] = []

  constructor(clients: readonly [TestClient, TestClient]) {
    this.clients = clients
  }

  static async meet(url: string): Promise<Honest> {
    const [first, second] = [await TestClient.connect(url, HONEST), await TestClient.connect(url, HONEST)]
    await first.join("honest")
    await second.join("honest")
    await first.next("new_peer")
    const honest = new Honest([first, second])
    for (const client of honest.clients) client.onEvent = (event) => honest.#hear(event)
    return honest
  }

  talk(): void {
    this.#timer = setInterval(() => {
      const [first, second] = this.clients
      this.#sentAt.push(performance.now())
      first.send({ event: "send_to_peer", peer_id: second.ownId, data: { event: "message", number: this.sent } })
      second.send({ event: "send_to_peer", peer_id: first.ownId, data: { event: "message", number: this.sent } })
      this.sent++
    }, EVERY_MS)
  }

  /** Latencies since the last call, sorted. */
  takeLatencies(): number[] {
    return this.#latencies.splice(0).sort((a, b) => a - b)
  }

  /** Whatever is not what the other said, once and in order. */
  async end(): Promise<unknown[]> {
    clearInterval(this.#timer)
    for (let round = 0; round < 2; round++) for (const client of this.clients) await client.drain()
    const [first, second] = this.clients
    return [...this.#wrongOf(first, second), ...this.#wrongOf(second, first)]
  }

  #wrongOf(client: TestClient, other: TestClient): unknown[] {
    const heard = client.all.filter(({ event }) => !["joined_room", "new_peer", "pong"].includes(event))
    const wrong: unknown[] = heard.filter(
      (event, number) => event.event !== "message" || event["number"] !== number || event["sender_id"] !== other.ownId,
    )
    return heard.length === this.sent ? wrong : [...wrong, `${this.sent - heard.length} lost`]
  }

  #hear({ event, number }: WireEvent): void {
    if (event === "message") this.#latencies.push(performance.now() - (this.#sentAt[number as number] ?? 0))
  }
}

/** Carries it out against a node of its own. */
export async function attack(kind: string, args: readonly string[] = []): Promise<Outcome> {
  await using node = await startNode(["--trust-proxy", "127.0.0.1", ...args])
  const honest = await Honest.meet(node.url)
  honest.talk()
  await wait(QUIET_MS)
  const quiet = honest.takeLatencies()
  const before = residentOf(node)
  const [lagsBefore, cpuBefore, from] = [await lagsOf(node), cpuOf(node), performance.now()]
  const machineBefore = readMachine()
  const peers = honest.clients.map(({ ownId }) => ownId).join(",")
  const script = join(import.meta.dir, "attacker.ts")
  const attacker = Bun.spawn([process.execPath, script, kind, String(node.port), String(ATTACK_SECONDS), peers], {
    stdout: "pipe",
    stderr: "inherit",
  })
  const done = Number(await new Response(attacker.stdout).text())
  if ((await attacker.exited) !== 0) throw new Error(`the attacker failed: ${kind}`)
  const machine = readMachine()
  const cpu = (cpuOf(node) - cpuBefore) / ((performance.now() - from) / 1000)
  const latencies = honest.takeLatencies()
  const wrong = await honest.end()
  const lags = await lagsOf(node)
  const refused = await node.metric("palava_refused_total")
  await wait(AFTER_MS)
  const outcome = {
    attack: kind,
    done,
    sent: honest.sent * 2,
    wrong,
    quietP99: at(quiet, 0.99),
    p50: at(latencies, 0.5),
    p99: at(latencies, 0.99),
    lagMs: worstLag(lagsBefore, lags),
    idle: (machine.idle - machineBefore.idle) / (machine.all - machineBefore.all),
    cpu,
    rss: { before, most: residentOf(node, "VmHWM"), after: residentOf(node) },
    refused,
    complaints: node.complaints().replace(/^.*name it with --trust-proxy.*\n/gm, ""),
  }
  for (const client of honest.clients) client.terminate()
  return outcome
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

function at(sorted: readonly number[], part: number): number {
  return sorted[Math.floor(sorted.length * part)] ?? 0
}

function residentOf({ pid }: TestNode, line = "VmRSS"): number {
  const [, kilobytes] = new RegExp(`${line}:\\s+(\\d+)`).exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? []
  return Number(kilobytes) / 1024
}

/** Seconds of user and system time (proc(5): fields 14 and 15, in hundredths on Linux). */
function cpuOf({ pid }: TestNode): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? []
  return (Number(fields[11]) + Number(fields[12])) / 100
}

/** Time of all cores, and that with nothing to do (proc(5): the first line, idle and iowait). */
function readMachine(): { all: number; idle: number } {
  const times = (readFileSync("/proc/stat", "utf8").split("\n")[0] ?? "").split(/\s+/).slice(1).map(Number)
  return { all: times.reduce((sum, time) => sum + time, 0), idle: (times[3] ?? 0) + (times[4] ?? 0) }
}

/** Looks at the loop up to each bucket, in seconds. */
async function lagsOf({ adminUrl }: TestNode): Promise<Map<number, number>> {
  const text = await (await fetch(`${adminUrl}metrics`)).text()
  const buckets = text.matchAll(/^palava_event_loop_lag_seconds_bucket\{le="([^"]+)"\} (\d+)/gm)
  return new Map([...buckets].map(([, le = "", count]) => [le === "+Inf" ? 60 : Number(le), Number(count)]))
}

function worstLag(before: ReadonlyMap<number, number>, after: ReadonlyMap<number, number>): number {
  const total = (after.get(60) ?? 0) - (before.get(60) ?? 0)
  for (const [seconds, count] of after) if (count - (before.get(seconds) ?? 0) >= total) return seconds * 1000
  return 60_000
}
