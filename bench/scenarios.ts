// What is measured: each scenario with the servers that take part in it. What they must meet: targets.ts.

import { crowdScenarios, soakScenario } from "./crowd-scenarios.ts"
import { growthScenarios } from "./growth-scenarios.ts"
import type { LoadRequest } from "./load/measure.ts"
import type { KeyKind } from "./servers/certificate.ts"
import type { Compared } from "./servers/compared.ts"
import {
  AMPLE_BUDGETS,
  EXECUTABLE,
  floor,
  forwarder,
  forwarderOnTwoNodes,
  type Launch,
  NO_TRACE,
  palava,
  palavaOnNodes,
  peerjs,
  yWebrtc,
} from "./servers/servers.ts"
import { stormScenarios } from "./storm-scenarios.ts"
import { handshakeScenario, overTls } from "./tls-scenarios.ts"
import { workerScenarios } from "./worker-scenarios.ts"

/** One server in a scenario. */
export interface Contender {
  name: string
  launch: Launch
  /** What differs from the scenario's load for this one. */
  load?: Partial<LoadRequest>
  /** What it speaks TLS with, where it is not as the scenario says. */
  certificate?: KeyKind
}

/** One measurement, repeated for each contender in turn. */
export interface Scenario {
  /** Also the name of its file in results/. */
  name: string
  title: string
  /** What one operation is. */
  operation: string
  contenders: Contender[]
  load: Partial<LoadRequest> & { scenario: string }
  /** A new process for each run: memory is only comparable from a fresh start. */
  isFresh?: boolean
  /** Over TLS, with such a certificate. */
  certificate?: KeyKind
  /** Only run when BENCH asks for it. */
  byName?: boolean
  /** Fewer rounds than others have, as one takes long. */
  rounds?: number
}

/** How much of everything a run does. */
export interface Effort {
  /** Whether contenders that no target speaks of stay out. */
  isQuick: boolean
  rounds: number
  /** Before what a server measures first after its start. */
  firstWarmupSeconds: number
  warmupSeconds: number
  seconds: number
  restSeconds: number
  idleConnections: number
  stormClients: number
  soakSeconds: number
  /** More connections than one process can hold, and how many processes hold them, at either side. */
  crowd: { connections: number; processes: number }
  /** As many connections as growth is looked at with. */
  connectionPoints: number[]
}

/** Names used in tables, results and targets. */
export const FORWARDER = "bare forwarder"
export const FLOOR = "floor"
export const PALAVA = "palava-machine"
export const PEERJS = "peerjs-server"
export const Y_WEBRTC = "y-webrtc"
export const PALAVA_AS_PEERJS = "palava-machine as peerjs"
export const PALAVA_AS_Y_WEBRTC = "palava-machine as y-webrtc"
export const PALAVA_WITH_BUDGETS = "palava-machine, budgets charged"
export const PALAVA_UNTRACED = "palava-machine, rooms not traced"
const FORWARDER_TWO = "bare redis publish, 2 nodes"
export const PALAVA_TWO = "palava-machine, 2 nodes"

/** The executable of another git ref, when one is compared with. */
export interface Base {
  ref: string
  executable: string
}

/** 45 s: what a storm of joins left behind is collected 20 to 40 s later, all at once, and counts twice as much as what stays. */
const COLLECTED_SECONDS = 45

/** All scenarios at the given effort. */
export function allScenarios(effort: Effort, base: Base | null): Scenario[] {
  const limit = { name: FORWARDER, launch: forwarder }
  const local = [{ name: PALAVA, launch: palava() }]
  const twoNodes = [{ name: PALAVA_TWO, launch: palavaOnNodes(2) }]
  if (base) {
    local.push({ name: `${PALAVA} ${base.ref}`, launch: palava(base.executable) })
    twoNodes.push({ name: `${PALAVA_TWO} ${base.ref}`, launch: palavaOnNodes(2, base.executable) })
  }
  const alternatives = [
    { name: PEERJS, launch: peerjs },
    { name: Y_WEBRTC, launch: yWebrtc },
  ]
  const limitOfTwo = { name: FORWARDER_TWO, launch: forwarderOnTwoNodes }
  const least = { name: FLOOR, launch: floor }
  const everyone = [limit, least, ...local, ...alternatives]
  const charged = { name: PALAVA_WITH_BUDGETS, launch: palava(EXECUTABLE, "palava", AMPLE_BUDGETS) }
  const untraced = { name: PALAVA_UNTRACED, launch: palava(EXECUTABLE, "palava", NO_TRACE) }
  const most = effort.isQuick ? [limit, least, ...local] : everyone
  const bothSides = effort.isQuick ? twoNodes : [...twoNodes, ...local]
  const relay = { scenario: "relay", rooms: 50, window: 8, payload: "candidate" } as const
  const offers = { ...relay, payload: "offer" } as const
  const joins = { scenario: "join-storm", rooms: 16 }
  const status = { scenario: "fan-out", connections: 100, window: 1 }
  const calls = { scenario: "call-setup", rooms: 16 }
  const scenarios: Scenario[] = [
    { name: "relay-300", title: "Relay, 300 B, window 8", operation: "message", contenders: everyone, load: relay },
    {
      name: "relay-budgets",
      title: "Relay, 300 B, window 8: what budgets cost",
      operation: "message",
      contenders: [...local, charged],
      load: relay,
    },
    {
      name: "relay-trace",
      title: "Relay, 300 B, window 8: what tracing rooms costs",
      operation: "message",
      contenders: [untraced, ...local],
      load: relay,
    },
    {
      name: "relay-300-window-1",
      title: "Relay, 300 B, window 1",
      operation: "message",
      contenders: most,
      load: { ...relay, window: 1 },
      rounds: 3,
    },
    { name: "relay-2500", title: "Relay, 2.5 KB, window 8", operation: "message", contenders: most, load: offers },
    ...[
      { name: "relay-peerjs", size: "300 B", load: relay },
      { name: "relay-peerjs-2500", size: "2.5 KB", load: offers },
    ].map(({ name, size, load }) => ({
      name,
      title: `Relay, ${size}, window 8, in the PeerJS dialect`,
      operation: "message",
      contenders: [
        { name: PEERJS, launch: peerjs },
        { name: PALAVA_AS_PEERJS, launch: palava(EXECUTABLE, "peerjs") },
        { name: `${PALAVA_AS_PEERJS}, 2 nodes`, launch: palavaOnNodes(2, EXECUTABLE, "peerjs") },
      ],
      load,
      rounds: 3,
    })),
    {
      name: "relay-y-webrtc",
      title: "Relay, 300 B, window 8, in the y-webrtc dialect",
      operation: "message",
      contenders: [
        { name: Y_WEBRTC, launch: yWebrtc },
        { name: PALAVA_AS_Y_WEBRTC, launch: palava(EXECUTABLE, "y-webrtc") },
        { name: `${PALAVA_AS_Y_WEBRTC}, 2 nodes`, launch: palavaOnNodes(2, EXECUTABLE, "y-webrtc") },
      ],
      load: relay,
      rounds: 3,
    },
    {
      name: "fan-out",
      title: "Fan-out, a message to a room of 100",
      operation: "delivery",
      contenders: [
        limit,
        { name: PALAVA, launch: palava(EXECUTABLE, "y-webrtc") },
        ...(base ? [{ name: `${PALAVA} ${base.ref}`, launch: palava(base.executable, "y-webrtc") }] : []),
      ],
      load: status,
    },
    {
      name: "join-storm",
      title: "Join storm, rooms of 4",
      operation: "visit",
      contenders: [limit, ...local],
      load: joins,
    },
    { name: "call-setup", title: "Call set-up", operation: "call", contenders: [limit, ...local], load: calls },
    {
      name: "idle",
      title: `Idle, ${effort.idleConnections} connections`,
      operation: "connection",
      contenders: [limit, ...local],
      load: {
        scenario: "idle",
        connections: effort.idleConnections,
        restSeconds: effort.isQuick ? 0 : COLLECTED_SECONDS,
      },
      isFresh: true,
      rounds: 1,
    },
    {
      name: "two-nodes-relay-300",
      title: "Two nodes: relay, 300 B, window 8",
      operation: "message",
      contenders: [limitOfTwo, ...twoNodes, ...local],
      load: relay,
    },
    {
      name: "two-nodes-relay-2500",
      title: "Two nodes: relay, 2.5 KB, window 8",
      operation: "message",
      contenders: [limitOfTwo, ...twoNodes, ...local],
      load: offers,
      rounds: 3,
    },
    {
      name: "two-nodes-fan-out",
      title: "Two nodes: fan-out",
      operation: "delivery",
      contenders: [
        { name: PALAVA_TWO, launch: palavaOnNodes(2, EXECUTABLE, "y-webrtc") },
        ...(effort.isQuick ? [] : [{ name: PALAVA, launch: palava(EXECUTABLE, "y-webrtc") }]),
      ],
      load: status,
      rounds: 3,
    },
    {
      name: "two-nodes-join-storm",
      title: "Two nodes: join storm",
      operation: "visit",
      contenders: bothSides,
      load: joins,
      rounds: 3,
    },
    {
      name: "two-nodes-call-setup",
      title: "Two nodes: call set-up",
      operation: "call",
      contenders: bothSides,
      load: calls,
      rounds: 3,
    },
  ]
  const withoutTls = new Set(alternatives.map(({ launch }) => launch))
  return [
    ...scenarios,
    handshakeScenario(effort, [limit, ...local]),
    ...overTls(scenarios, withoutTls),
    ...growthScenarios(effort),
    ...stormScenarios(effort),
    ...workerScenarios(),
    ...crowdScenarios(effort),
    soakScenario(effort),
  ]
}

/** What a server given by its address is measured by: what its dialect can say, beside ours in that dialect. */
export function comparedScenarios(effort: Effort, { dialect, name, launch }: Compared): Scenario[] {
  const ours = { name: dialect === "palava" ? PALAVA : `${PALAVA} as ${dialect}`, launch: palava(EXECUTABLE, dialect) }
  const byName = new Map(allScenarios(effort, null).map((scenario) => [scenario.name, scenario]))
  const names = ["relay-300", "relay-300-window-1", "relay-2500", "fan-out", "join-storm", "call-setup", "idle"]
  return names
    .filter((of) => of !== "fan-out" || dialect === "y-webrtc")
    .flatMap((of) => byName.get(of) ?? [])
    .map((scenario) => ({ ...scenario, contenders: [{ name, launch }, ours] }))
}
