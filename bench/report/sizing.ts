// How many users a machine is enough for: worked out from what was measured, with what is supposed said beside it, and one row
// held against the crowd that was run.

import type { LoadResult } from "../load/measure.ts"
import { PALAVA } from "../scenarios.ts"
import { median } from "../statistics.ts"
import { loadScenario } from "./results.ts"
import { short } from "./table.ts"

/** What one user takes: bytes, and seconds of CPU. */
interface Costs {
  /** Of the server, and of the kernel for the socket. */
  bytes: number
  kernelBytes: number
  /** To set up one call of two. */
  call: number
  /** A second, with nothing to say. */
  idle: number
  /** To come back after the loss of a node. */
  back: number
}

/** A machine to rent. */
interface Machine {
  cpus: number
  gigabytes: number
}

/** How people are supposed to use it. */
const SUPPOSED = {
  /** Each sets up 1.5 calls of two: the six of a room of four, shared by its members. */
  callsPerStay: 1.5,
  /** And stays for half an hour. */
  staySeconds: 1800,
  /** Calls may take half of the CPU time, the rest is for what comes at once. */
  cpuPart: 0.5,
  /** All are back so long after everybody was lost. */
  backSeconds: 30,
  /** Taken before the first user: the system and Redis, and each worker and their supervisor. */
  systemBytes: 300e6,
  workerBytes: 60e6,
  /** Users may take half of the other memory, the rest is for what is on its way to them. */
  memoryPart: 0.5,
} as const

/** The machines of the table. */
const MACHINES: readonly Machine[] = [
  { cpus: 1, gigabytes: 1 },
  { cpus: 2, gigabytes: 4 },
  { cpus: 4, gigabytes: 8 },
  { cpus: 8, gigabytes: 16 },
]

/** The most users by each of the three limits, and by all. */
function usersOf({ cpus, gigabytes }: Machine, { bytes, kernelBytes, call, idle, back }: Costs) {
  const taken = SUPPOSED.systemBytes + (cpus + 1) * SUPPOSED.workerBytes
  const memory = ((gigabytes * 1e9 - taken) * SUPPOSED.memoryPart) / (bytes + kernelBytes)
  const calls = (cpus * SUPPOSED.cpuPart) / ((SUPPOSED.callsPerStay * call) / SUPPOSED.staySeconds + idle)
  const storm = (cpus * SUPPOSED.backSeconds) / back
  const users = Math.min(memory, calls, storm)
  const [limit] = Object.entries({ memory, calls, storm }).find(([, value]) => value === users) ?? [""]
  return { users, limit }
}

/** Candidates, offer and answer of a call. */
const MESSAGES_OF_CALL = 42

/** The costs over ws and wss; undefined when something that they are made of was not measured. */
function costsOf(folder: string): { ws: Costs; wss: Costs } | undefined {
  const of = (scenario: string, name: string, what: (result: LoadResult) => number | undefined): number =>
    median((loadScenario(folder, scenario)?.runs[name] ?? []).map((result) => what(result) ?? Number.NaN))
  const seconds = (scenario: string, name = PALAVA): number => of(scenario, name, (r) => r.cpuMicroseconds) / 1e6
  const bytes = (scenario: string): number => of(scenario, PALAVA, (r) => r.bytesPerConnection)
  const handshake = seconds("tls-handshake", `${PALAVA}, in full, ECDSA`) - seconds("tls-handshake", `${PALAVA}, ws`)
  const relay = seconds("tls-relay-300") - seconds("relay-300")
  const ws = {
    bytes: bytes("idle"),
    kernelBytes: of("crowd", PALAVA, (r) => r.kernelBytesPerConnection),
    call: seconds("call-setup"),
    idle: of("crowd", PALAVA, (r) => r.idleCores) / 10_000,
    back: seconds("join-storm"),
  }
  const wss = {
    ...ws,
    bytes: bytes("tls-idle"),
    call: ws.call + 2 * handshake + MESSAGES_OF_CALL * relay,
    back: ws.back + handshake,
  }
  return Object.values({ ...ws, ...wss }).every(Number.isFinite) ? { ws, wss } : undefined
}

const REASONS: Readonly<Record<string, string>> = { memory: "memory", calls: "calls", storm: "all coming back" }

function thousands(users: number): string {
  return (Math.floor(users / 1_000) * 1_000).toLocaleString("en-US")
}

/** The sizing table, its arithmetic, and the crowd beside it; nothing when not all of it was measured. */
export function sizingFigures(folder: string): string[] {
  const costs = costsOf(folder)
  if (costs === undefined) return []
  const rows = MACHINES.map((machine) => {
    const cells = [costs.ws, costs.wss].map((of) => {
      const { users, limit } = usersOf(machine, of)
      return `${thousands(users)} (${REASONS[limit]})`
    })
    return `| ${machine.cpus} CPU, ${machine.gigabytes} GB | ${cells.join(" | ")} |`
  })
  const { memoryPart, systemBytes, workerBytes, cpuPart, callsPerStay, staySeconds, backSeconds } = SUPPOSED
  const costText = (name: string, { bytes, kernelBytes, call, back }: Costs): string =>
    `${name}: ${short(bytes)} B and ${short(kernelBytes)} B of the kernel, a call ${short(call * 1e3)} ms, to come back ${short(back * 1e6)} µs`
  return [
    "How many users, one worker for each CPU, and what ends first:",
    ["| machine | ws | wss, TLS in the server |", "| --- | --- | --- |", ...rows].join("\n"),
    `The least of three. Memory: ${memoryPart * 100} % of what is left without ${systemBytes / 1e6} MB and ${workerBytes / 1e6} MB for each worker and one more, by what a user takes. Calls: ${cpuPart * 100} % of the CPUs; each user sets
up ${callsPerStay} calls of two (a room of four has six) and stays ${staySeconds / 60} minutes. Coming back: all in ${backSeconds} s after everybody was lost, by full
handshakes. ${costText("ws", costs.ws)}; ${costText("wss", costs.wss)}; idle ${short(costs.ws.idle * 1e6)} % of a core for 10,000. More CPUs than this machine's two were not measured.`,
    ...heldAgainst(folder, costs.ws),
  ]
}

/** The arithmetic of memory for the crowd that was run, and what it took. */
function heldAgainst(folder: string, { bytes }: Costs): string[] {
  const saved = loadScenario(folder, "crowd")
  const [result] = saved?.runs[PALAVA] ?? []
  if (result?.residentBytes === undefined || result.processes === undefined) return []
  const { operations, processes, residentBytes } = result
  const expected = (processes + 1) * SUPPOSED.workerBytes + operations * bytes
  return [
    `Held against a run: ${operations.toLocaleString("en-US")} connections on ${processes} workers should take ${processes + 1} × ${SUPPOSED.workerBytes / 1e6} MB + ${operations.toLocaleString("en-US")} × ${short(bytes)} B = ${short(expected / 1e6)} MB;
they took ${short(residentBytes / 1e6)} MB.`,
  ]
}
