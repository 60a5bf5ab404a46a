// Storms: everybody of a lost node comes back at once. Over TLS only by name, as it takes minutes.

import type { Effort, Scenario } from "./scenarios.ts"
import { forwarder, palava, palavaOnNodes, palavaWithState } from "./servers/servers.ts"
import { medianOf, type Runs, ratio, type Target } from "./target.ts"

/** Names used in tables and targets. */
export const ACCEPTED = "bare forwarder, accepted"
export const JOINED = "palava-machine, joined anew"
export const RESUMED = "palava-machine, resumed"

/** The storms over ws and wss. */
export function stormScenarios(effort: Effort): Scenario[] {
  const others = [
    { name: JOINED, launch: palava() },
    { name: RESUMED, launch: palavaWithState(), load: { resumes: true } },
    { name: `${JOINED} at the other of 2 nodes`, launch: palavaOnNodes(2) },
  ]
  const contenders = [
    { name: ACCEPTED, launch: forwarder },
    ...(effort.isQuick ? [] : others),
    { name: `${RESUMED} at the other of 2 nodes`, launch: palavaOnNodes(2), load: { resumes: true } },
  ]
  const storm: Scenario = {
    name: "storm",
    title: `Storm, ${effort.stormClients} clients in rooms of 4`,
    operation: "client",
    contenders,
    load: { scenario: "storm", connections: effort.stormClients },
    isFresh: true,
    rounds: 1,
  }
  return [storm, { ...storm, name: "storm-tls", title: `Over TLS: ${storm.title}`, certificate: "ecdsa", byName: true }]
}

/** The most of all ways to come back. */
function worst(runs: Runs, of: (name: string) => number | undefined): number {
  const ours = Object.keys(runs).filter((name) => name !== ACCEPTED)
  return Math.max(...ours.map((name) => of(name) ?? Number.NaN))
}

/** What is wanted of storms. */
export const STORM_TARGETS: Target[] = [
  {
    what: "all back after the loss of a node, the slowest way, against what the bare forwarder takes to accept them",
    scenario: "storm",
    most: 1.5,
    unit: "×",
    measured: (runs) => worst(runs, (name) => ratio(runs, name, ACCEPTED, ({ seconds }) => seconds)),
  },
  {
    what: "relay between those who are in during a storm, p99, the slowest way",
    scenario: "storm",
    most: 50,
    unit: " ms",
    measured: (runs) => worst(runs, (name) => medianOf(runs, name, ({ pairsP99 = Number.NaN }) => pairsP99 / 1000)),
  },
]
