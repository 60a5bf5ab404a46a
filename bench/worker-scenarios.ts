// Workers: what a message between two of them costs, and what more of them bring.

import { availableParallelism } from "node:os"
import { generatorCores } from "./generator.ts"
import type { Contender, Scenario } from "./scenarios.ts"
import { palava, palavaOnNodes } from "./servers/servers.ts"
import { palavaAtTwoWorkers, palavaWithWorkers } from "./servers/workers.ts"

/** Name used in tables and targets. */
export const AT_TWO_WORKERS = "palava-machine, 2 workers"
const AT_TWO_NODES = "palava-machine, 2 nodes over Redis"

const RELAY = { scenario: "relay", rooms: 50, window: 8, payload: "candidate" } as const

/** A message between the two of a room at different workers; `workers-scale` only by name. */
export function workerScenarios(): Scenario[] {
  const contenders: Contender[] = [
    { name: "palava-machine", launch: palava() },
    { name: AT_TWO_WORKERS, launch: palavaAtTwoWorkers },
    { name: AT_TWO_NODES, launch: palavaOnNodes(2) },
  ]
  const between = (name: string, more: string, load: object): Scenario => ({
    name: `workers-${name}`,
    title: `Between two workers: relay, ${more}`,
    operation: "message",
    contenders,
    load: { ...RELAY, ...load },
  })
  return [
    between("relay-300", "300 B, window 8", {}),
    between("relay-one-room", "300 B, window 1, one room", { window: 1, rooms: 1 }),
    {
      name: "workers-scale",
      title: "Relay, 300 B, by 1 worker and more, peers at whichever",
      operation: "message",
      contenders: workerCounts().map((count) => ({
        name: count === 1 ? "1 worker" : `${count} workers`,
        launch: palavaWithWorkers(count),
      })),
      load: { ...RELAY, generators: generatorCores() },
      byName: true,
    },
  ]
}

/** 1, 2, 4 and so on, as many as there are cores for; two in any case. */
function workerCounts(): number[] {
  const most = Math.max(2, availableParallelism() - generatorCores())
  return Array.from({ length: Math.floor(Math.log2(most)) + 1 }, (_, exponent) => 2 ** exponent)
}
