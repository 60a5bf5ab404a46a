// The results as files: one JSON file for each scenario in results/, and pictures drawn from all that are there.

import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { GROWTH, pointsOf } from "../growth-scenarios.ts"
import type { LoadResult } from "../load/measure.ts"
import { FORWARDER, PALAVA, type Scenario } from "../scenarios.ts"
import { median } from "../statistics.ts"
import type { Runs } from "../target.ts"
import type { Origin } from "./origin.ts"
import { type Bar, bars, type Chart, charts, type Row } from "./svg.ts"

/** One scenario's file. */
export interface Saved {
  title: string
  operation: string
  origin: Origin
  runs: Runs
}

/** Writes one scenario's file into the folder. */
export function saveScenario(folder: string, scenario: Scenario, runs: Runs, origin: Origin): void {
  const { title, operation } = scenario
  const saved: Saved = { title, operation, origin, runs }
  writeFileSync(join(folder, `${scenario.name}.json`), `${JSON.stringify(saved, null, 2)}\n`)
}

/** Reads one scenario's file, if there is one. */
export function loadScenario(folder: string, name: string): Saved | undefined {
  const path = join(folder, `${name}.json`)
  return existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")) as Saved) : undefined
}

function kindOf(name: string): Bar["kind"] {
  if (name === FORWARDER) return "limit"
  return name.startsWith(PALAVA) ? "own" : "other"
}

function barGroup(folder: string, name: string, title: string, unit: string, isMemory = false) {
  const runs = loadScenario(folder, name)?.runs
  if (!runs) return []
  const group = Object.entries(runs).map(([label, results]) => ({
    label,
    value: median(
      results.map((result) => (isMemory ? result.bytesPerConnection : result.cpuMicroseconds) ?? Number.NaN),
    ),
    kind: kindOf(label),
  }))
  return [{ title, unit, bars: group }]
}

/** Draws all pictures that the files in `folder` are enough for. */
export function drawPictures(folder: string): void {
  const draw = (name: string, groups: ReturnType<typeof barGroup>): void => {
    if (groups.length > 0) writeFileSync(join(folder, `${name}.svg`), bars(groups))
  }
  draw("relay", [
    ...barGroup(folder, "relay-300", "Server CPU per relayed candidate (300 B)", "µs"),
    ...barGroup(folder, "relay-2500", "Server CPU per relayed offer (2.5 KB)", "µs"),
  ])
  draw("rooms", [
    ...barGroup(folder, "fan-out", "Server CPU per delivery in a room of 100", "µs"),
    ...barGroup(folder, "join-storm", "Server CPU per visit: connect, join a room of 4, leave", "µs"),
    ...barGroup(folder, "idle", "Memory per idle connection", "B", true),
  ])
  draw("two-nodes", [
    ...barGroup(folder, "two-nodes-relay-300", "CPU of all nodes per relayed candidate (300 B)", "µs"),
    ...barGroup(folder, "two-nodes-join-storm", "CPU of all nodes per visit", "µs"),
  ])
  const rows = GROWTH.flatMap(({ name, title }) => growthRow(folder, name, title))
  if (rows.length > 0) writeFileSync(join(folder, "growth.svg"), charts(rows))
}

function growthRow(folder: string, name: string, title: string): Row[] {
  const measured = pointsOf(loadScenario(folder, name)?.runs)
  if (measured.length === 0) return []
  const line = (title: string, unit: string, of: (result: LoadResult) => number | undefined): Chart => ({
    title,
    unit,
    values: measured.map(({ results }) => median(results.map((result) => of(result) ?? Number.NaN))),
  })
  return [
    {
      title,
      points: measured.map(({ point }) => point),
      charts: [
        line("CPU per relay", "µs", (result) => result.cpuMicroseconds),
        line("CPU per visit", "µs", (result) => result.visitMicroseconds),
        line("memory", "MB", ({ residentBytes }) => residentBytes && residentBytes / 2 ** 20),
      ],
    },
  ]
}
