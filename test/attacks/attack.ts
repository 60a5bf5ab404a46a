// One attack on one node: what two honest peers beside it got, and what it cost the node. Attacker, node and honest peers
// are processes of their own, the attacker the one that waits where all want a core. The figures are rows of the table in
// docs/attacks.md.

import { join } from "node:path"
import { IS_LONG } from "../helpers/long-runs.ts"
import { startNode, type TestNode } from "../helpers/node.ts"
import { cpuOf, lagsOf, machineTimes, residentOf, waitedOf, worstLag } from "./figures.ts"
import type { Ending, Latencies } from "./honest.ts"
import type { Tokens } from "./tokens.ts"

/** 1 s without an attack, to know what the machine does anyway. */
const QUIET_MS = 1_000

/** Seconds an attack takes: a look in a test run, and for the table. */
const ATTACK_SECONDS = IS_LONG ? 10 : 1.5

/** 20 s after the end of a long one, memory has to be given back. */
const AFTER_MS = IS_LONG ? 20_000 : 0

/** The attacker's: it takes a tenth of what the others take where there is one core for all. */
const NICE = "10"

/** What became of it. */
export interface Outcome extends Latencies, Ending {
  readonly attack: string
  /** What the attacker counts: writes, connections. */
  readonly done: number
  /** 99 of 100 messages between the honest, before the attack. */
  readonly quietP99: number
  /** Upper bound of the event loop's worst lag, in milliseconds. */
  readonly lagMs: number
  /** Share of one core that the node took, and of the time that it waited for one. */
  readonly cpu: number
  readonly waited: number
  /** Share of the machine that had nothing to do meanwhile. */
  readonly idle: number
  /** Megabytes of the node: before, at most, and 20 s after a long attack. */
  readonly rss: { readonly before: number; readonly most: number; readonly after: number }
  readonly refused: number
  readonly complaints: string
}

/** What an attack needs besides the defaults. */
export interface Needs {
  /** Options of the node. */
  readonly args?: readonly string[]
  readonly tokens?: Tokens
}

/** Two peers in a room who talk all the time, in their process. */
class Honest {
  readonly #process: Bun.Subprocess<"pipe", "pipe", "inherit">
  readonly #lines: AsyncIterator<string>

  constructor(url: string, token: string | undefined) {
    const given = token === undefined ? [] : [token]
    this.#process = Bun.spawn([process.execPath, join(import.meta.dir, "honest.ts"), url, ...given], {
      stdin: "pipe",
      stdout: "pipe",
      stderr: "inherit",
    })
    this.#lines = linesOf(this.#process.stdout)
  }

  async ask<T>(line: string): Promise<T> {
    this.#process.stdin.write(`${line}\n`)
    this.#process.stdin.flush()
    const { value, done } = await this.#lines.next()
    if (done === true) throw new Error("the honest peers' process ended")
    return JSON.parse(value) as T
  }
}

/**
 * Carries it out against a node of its own.
 * @returns what is known when it is over, and what 20 s later
 */
export async function attack(kind: string, { args = [], tokens }: Needs = {}): Promise<() => Promise<Outcome>> {
  const node = await startNode(["--trust-proxy", "127.0.0.1", ...args, ...(tokens?.args ?? [])])
  const honest = new Honest(node.url, tokens?.good)
  const peers = await honest.ask<string[]>("ready")
  await wait(QUIET_MS)
  const quiet = await honest.ask<Latencies>("take")
  const before = await look(node)
  const script = join(import.meta.dir, "attacker.ts")
  const command = ["nice", "-n", NICE, process.execPath, script, kind, node.url, String(ATTACK_SECONDS), peers.join()]
  if (tokens !== undefined) command.push(tokens.badFile)
  const attacker = Bun.spawn(command, { stdout: "pipe", stderr: "inherit" })
  const done = Number(await new Response(attacker.stdout).text())
  if ((await attacker.exited) !== 0) throw new Error(`the attacker failed: ${kind}`)
  const after = await look(node)
  const latencies = await honest.ask<Latencies>("take")
  const ending = await honest.ask<Ending>("end")
  const refused = await node.metric("palava_refused_total")
  const rested = wait(AFTER_MS)
  const seconds = (after.at - before.at) / 1000
  const machine = after.machine.all - before.machine.all
  return async () => {
    await rested
    await using over = node
    const known = /^.*name it with --trust-proxy.*\n/gm
    return {
      attack: kind,
      done,
      ...latencies,
      ...ending,
      quietP99: quiet.p99,
      lagMs: worstLag(before.lags, after.lags),
      idle: (after.machine.idle - before.machine.idle) / machine,
      cpu: (after.cpu - before.cpu) / seconds,
      waited: (after.waited - before.waited) / seconds,
      rss: { before: before.rss, most: residentOf(over, "VmHWM"), after: residentOf(over) },
      refused,
      complaints: over.complaints().replace(known, ""),
    }
  }
}

async function look(node: TestNode) {
  const lags = await lagsOf(node)
  const [machine, at] = [machineTimes(), performance.now()]
  return { lags, machine, at, cpu: cpuOf(node), waited: waitedOf(node), rss: residentOf(node) }
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string, void> {
  let rest = ""
  const decoder = new TextDecoder()
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n")
    rest = lines.pop() ?? ""
    yield* lines
  }
}
