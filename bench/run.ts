// make bench: starts each server, loads it from a process of its own, alternates, and reports.
//
// BENCH=<name> runs that scenario, or those whose name begins so ("micro" the micro benches), QUICK=1 does less of everything
// (results/quick, for a look, not for quoting), BASE=<git ref> builds the executable of that ref and lets it take part,
// MINUTES=<number> is how long the soak takes, COMPARE=<address> measures a server that is there already, COMPARE_PID its processes.

import { mkdirSync } from "node:fs"
import { join, resolve } from "node:path"
import { updateDocuments } from "../scripts/update-readme.ts"
import { generate } from "./generator.ts"
import type { LoadRequest } from "./load/measure.ts"
import { originText, readOrigin } from "./report/origin.ts"
import { drawPictures, saveScenario } from "./report/results.ts"
import { scenarioTable, targetTable } from "./report/table.ts"
import { allScenarios, type Contender, comparedScenarios, type Effort, type Scenario } from "./scenarios.ts"
import { certificateFiles } from "./servers/certificate.ts"
import { readCompared } from "./servers/compared.ts"
import { GENERATOR_CORE, onCore, openFileLimit } from "./servers/processes.ts"
import { buildRef, type RunningServer } from "./servers/servers.ts"
import type { Runs } from "./target.ts"

const ROOT = resolve(import.meta.dir, "..")
const isQuick = Boolean(process.env["QUICK"])
const wanted = process.env["BENCH"] ?? ""
const baseRef = process.env["BASE"] ?? ""
const soakMinutes = Number(process.env["MINUTES"] || 60)
const comparedAddress = process.env["COMPARE"] ?? ""

/** The name of the micro benches among the scenarios. */
const MICRO = "micro"
/** 4 s: until then a server that was just started still compiles what it runs most. */
const FIRST_WARMUP_SECONDS = 4
/** Files that a server or the generator has open besides its sockets. */
const SPARE_FILES = 500
/** 1,000 files that a server of ours keeps back from its clients, at most. */
const RESERVED_FILES = 1_000
/** 0.85 of the places of a server: from 0.9 on it parts from those who have been in no room for 5 s. */
const NOT_NEARLY_FULL_PART = 0.85
/** 20,000 clients lose their node, where the limit of open files is above that. */
const MOST_STORM_CLIENTS = 20_000
/** As many idle connections as are tried where no limit forbids it: some 300 MB for the server. */
const MOST_CONNECTIONS = 100_000

async function chooseEffort(): Promise<Effort> {
  const most = Math.min(MOST_CONNECTIONS, (await openFileLimit()) - SPARE_FILES - RESERVED_FILES)
  const held = 4 * Math.floor((most * NOT_NEARLY_FULL_PART) / 4)
  const points = isQuick ? [300, 600] : [1_000, 2_500, 5_000, 10_000, 20_000, 50_000, MOST_CONNECTIONS]
  const below = points.filter((point) => point < most)
  if (isQuick) {
    const times = { rounds: 1, firstWarmupSeconds: 0.6, warmupSeconds: 0.6, seconds: 0.4, restSeconds: 0 }
    const few = {
      idleConnections: 600,
      stormClients: 120,
      soakSeconds: times.seconds,
      crowd: { connections: 400, processes: 2 },
    }
    return { isQuick, ...times, ...few, connectionPoints: below }
  }
  const connectionPoints = [...below, most]
  const warmups = { firstWarmupSeconds: FIRST_WARMUP_SECONDS, warmupSeconds: 0.6 }
  const times = { rounds: 5, ...warmups, seconds: 1.2, restSeconds: 3 }
  const stormClients = Math.min(MOST_STORM_CLIENTS, held)
  const crowd = { connections: MOST_CONNECTIONS, processes: Math.max(2, Math.ceil(MOST_CONNECTIONS / held)) }
  return {
    ...{ isQuick, ...times, idleConnections: 10_000, stormClients, crowd, connectionPoints },
    soakSeconds: soakMinutes * 60,
  }
}

/** One run of the generator against a running server, which has just started or was under load before. */
async function load(
  scenario: Scenario,
  contender: Contender,
  server: RunningServer,
  effort: Effort,
  hasJustStarted: boolean,
) {
  const { dialect, addresses, pids, redisUrl, redisPid } = server
  const request: LoadRequest = {
    dialect,
    addresses,
    pids,
    rooms: 50,
    window: 8,
    payload: "candidate",
    connections: 0,
    restSeconds: effort.restSeconds,
    warmupSeconds: hasJustStarted && !scenario.isFresh ? effort.firstWarmupSeconds : effort.warmupSeconds,
    seconds: effort.seconds,
    ...(redisUrl && redisPid ? { redisUrl, redisPid } : {}),
    ...scenario.load,
    ...contender.load,
  }
  try {
    return await generate(request, server)
  } catch (cause) {
    throw new Error(`${scenario.name}, ${contender.name}: ${(cause as Error).message}`, { cause })
  }
}

async function launch(scenario: Scenario, contender: Contender): Promise<RunningServer> {
  const kind = contender.certificate ?? scenario.certificate
  return contender.launch(kind && (await certificateFiles(kind)))
}

/** All rounds of one scenario. The order turns round with each, so that nobody always follows the same neighbour. */
async function measureScenario(scenario: Scenario, effort: Effort): Promise<Runs> {
  const runs: Runs = Object.fromEntries(scenario.contenders.map(({ name }) => [name, []]))
  const running = new Map<Contender, RunningServer>()
  try {
    for (let round = 0; round < Math.min(effort.rounds, scenario.rounds ?? effort.rounds); round++) {
      const order = round % 2 === 0 ? scenario.contenders : scenario.contenders.toReversed()
      for (const contender of order) {
        const known = running.get(contender)
        const server = known ?? (await launch(scenario, contender))
        running.set(contender, server)
        runs[contender.name]?.push(await load(scenario, contender, server, effort, known === undefined))
        if (!scenario.isFresh) continue
        running.delete(contender)
        await server.stop()
      }
    }
  } finally {
    for (const server of running.values()) await server.stop()
  }
  return runs
}

/** The scenario of the wanted name, or else those whose name begins so; without a name all but those that want to be asked for. */
function choose(all: readonly Scenario[]): Scenario[] {
  const exact = all.filter(({ name }) => name === wanted)
  if (exact.length > 0) return exact
  return all.filter(({ name, byName }) => name.startsWith(wanted) && !(byName && wanted === ""))
}

/** The micro benches, in a process of their own so that nothing else is compiled for it. */
async function runMicroBenches(path: string): Promise<void> {
  const argv = [process.execPath, join(ROOT, "bench/micro/all.ts"), path]
  const child = Bun.spawn(onCore(GENERATOR_CORE, argv), { stdout: "inherit", stderr: "inherit" })
  if ((await child.exited) !== 0) throw new Error("the micro benches failed")
}

async function main(): Promise<void> {
  const built = baseRef ? await buildRef(baseRef) : null
  try {
    const effort = await chooseEffort()
    const base = built && { ref: baseRef, executable: built.executable }
    const compared = comparedAddress && readCompared(comparedAddress, process.env["COMPARE_PID"] ?? "")
    const all = compared ? comparedScenarios(effort, compared) : allScenarios(effort, base)
    const scenarios = choose(all)
    const withMicro = MICRO.startsWith(wanted) && !base && !compared
    if (scenarios.length === 0 && !withMicro) {
      throw new Error(
        `no scenario begins with ${wanted}; there are ${all.map(({ name }) => name).join(", ")}, ${MICRO}`,
      )
    }
    const folder = join(ROOT, "bench/results", isQuick ? "quick" : compared ? "compared" : "")
    mkdirSync(folder, { recursive: true })
    const origin = await readOrigin(ROOT)
    console.log(`${originText(origin)}\n`)
    const measured = new Map<string, Runs>()
    for (const scenario of scenarios) {
      const startedAt = performance.now()
      try {
        const runs = await measureScenario(scenario, effort)
        measured.set(scenario.name, runs)
        if (!base) saveScenario(folder, scenario, runs, origin)
        console.log(scenarioTable(scenario, runs))
      } catch (cause) {
        // Its file stays as it was; the others are measured all the same.
        console.error(`FAILED: ${(cause as Error).message}`)
        process.exitCode = 1
      }
      console.log(`(${Math.round((performance.now() - startedAt) / 1000)} s)\n`)
    }
    if (!base && !compared) drawPictures(folder)
    if (!base && !compared && !isQuick) await updateDocuments()
    if (measured.size > 0) console.log(`${targetTable(measured)}\n`)
    if (withMicro) await runMicroBenches(join(folder, "micro.json"))
  } finally {
    await built?.remove()
  }
}

await main()
