// What is large or long: a crowd that no process can hold by itself; by name only, the same over TLS, and a soak of an hour.

import { type Effort, FORWARDER, PALAVA, type Scenario } from "./scenarios.ts"
import { forwarderWithWorkers, palava } from "./servers/servers.ts"
import { palavaWithWorkers } from "./servers/workers.ts"
import { medianOf, type Target } from "./target.ts"

/** As many seconds as a client is silent before it is asked whether it lives (25), and some. */
const QUIET_SECONDS = 30

/** 20 s before the quiet is measured: most of what the joins left behind is collected by then. */
const REST_SECONDS = 20

/** Of the soak's server, or of its two workers. */
const SOAK_CONNECTIONS = 2_000

/** Memory over a long time, of the server alone and with Redis between two workers. */
export function soakScenario(effort: Effort): Scenario {
  return {
    name: "soak",
    title: `Soak: rooms of 4 come and go for ${effort.soakSeconds} s`,
    operation: "visit",
    contenders: [
      { name: PALAVA, launch: palava() },
      { name: `${PALAVA}, 2 workers`, launch: palavaWithWorkers(2) },
    ],
    load: { scenario: "soak", connections: SOAK_CONNECTIONS, seconds: effort.soakSeconds },
    isFresh: true,
    byName: true,
    rounds: 1,
  }
}

/** The crowd over ws and wss. */
export function crowdScenarios(effort: Effort): Scenario[] {
  const { connections, processes } = effort.crowd
  const crowd: Scenario = {
    name: "crowd",
    title: `A crowd: ${connections} connections in rooms of 2 to 10, one of a hundred talks`,
    operation: "connection",
    contenders: [
      { name: FORWARDER, launch: forwarderWithWorkers(processes) },
      { name: PALAVA, launch: palavaWithWorkers(processes) },
    ],
    load: {
      scenario: "crowd",
      connections,
      processes,
      ...(effort.isQuick ? {} : { restSeconds: REST_SECONDS, seconds: QUIET_SECONDS }),
    },
    isFresh: true,
    rounds: 1,
  }
  return [crowd, { ...crowd, name: "crowd-tls", title: `Over TLS: ${crowd.title}`, certificate: "ecdsa", byName: true }]
}

/** What is wanted of the crowd. */
export const CROWD_TARGETS: Target[] = [
  {
    what: "100,000 connections without a word, CPU for 10,000 of them, of a core",
    scenario: "crowd",
    most: 1,
    unit: " %",
    measured: (runs) => medianOf(runs, PALAVA, ({ idleCores = Number.NaN }) => idleCores * 100),
  },
]
