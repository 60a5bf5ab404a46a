// The targets of the project, each read of one scenario's runs.

import { CROWD_TARGETS } from "./crowd-scenarios.ts"
import { pointOf } from "./growth-scenarios.ts"
import {
  FLOOR,
  FORWARDER,
  PALAVA,
  PALAVA_AS_PEERJS,
  PALAVA_AS_Y_WEBRTC,
  PALAVA_TWO,
  PALAVA_UNTRACED,
  PALAVA_WITH_BUDGETS,
  PEERJS,
  Y_WEBRTC,
} from "./scenarios.ts"
import { STORM_TARGETS } from "./storm-scenarios.ts"
import { type Measure, medianOf, ratio, type Target } from "./target.ts"
import { AT_TWO_WORKERS } from "./worker-scenarios.ts"

/** The targets of the project. */
export const TARGETS: Target[] = [
  {
    what: "relay 300 B, CPU per message, against the floor",
    scenario: "relay-300",
    most: 1.25,
    unit: "×",
    measured: (runs) => ratio(runs, PALAVA, FLOOR),
  },
  {
    what: "relay 2.5 KB, CPU per message, against the floor",
    scenario: "relay-2500",
    most: 1.25,
    unit: "×",
    measured: (runs) => ratio(runs, PALAVA, FLOOR),
  },
  {
    what: "relay 300 B, one under way, CPU per message, against the bare forwarder",
    scenario: "relay-300-window-1",
    most: 1.1,
    unit: "×",
    measured: (runs) => ratio(runs, PALAVA, FORWARDER),
  },
  {
    what: "relay 300 B, CPU per message, against peerjs-server",
    scenario: "relay-300",
    most: 0.2,
    unit: "×",
    measured: (runs) => ratio(runs, PALAVA, PEERJS),
  },
  {
    what: "relay 300 B in the PeerJS dialect, CPU per message, against peerjs-server",
    scenario: "relay-peerjs",
    most: 0.25,
    unit: "×",
    measured: (runs) => ratio(runs, PALAVA_AS_PEERJS, PEERJS),
  },
  {
    what: "relay 2.5 KB in the PeerJS dialect, CPU per message, against peerjs-server",
    scenario: "relay-peerjs-2500",
    most: 0.25,
    unit: "×",
    measured: (runs) => ratio(runs, PALAVA_AS_PEERJS, PEERJS),
  },
  {
    what: "relay 300 B in the y-webrtc dialect, CPU per message, against y-webrtc's server",
    scenario: "relay-y-webrtc",
    most: 0.25,
    unit: "×",
    measured: (runs) => ratio(runs, PALAVA_AS_Y_WEBRTC, Y_WEBRTC),
  },
  {
    what: "relay 300 B, CPU per message, budgets charged against none",
    scenario: "relay-budgets",
    most: 1.03,
    unit: "×",
    measured: (runs) => ratio(runs, PALAVA_WITH_BUDGETS, PALAVA),
  },
  {
    what: "relay 300 B, CPU per message, rooms traced against not",
    scenario: "relay-trace",
    most: 1.02,
    unit: "×",
    measured: (runs) => ratio(runs, PALAVA, PALAVA_UNTRACED),
  },
  {
    what: "fan-out, CPU per delivery, against bare server.publish",
    scenario: "fan-out",
    most: 1.15,
    unit: "×",
    measured: (runs) => ratio(runs, PALAVA, FORWARDER),
  },
  {
    what: "idle joined connection, resident memory, more than the bare forwarder's",
    scenario: "idle",
    most: 1024,
    unit: " B",
    measured(runs) {
      const of: Measure = (result) => result.bytesPerConnection ?? Number.NaN
      const [ours, bare] = [medianOf(runs, PALAVA, of), medianOf(runs, FORWARDER, of)]
      return ours === undefined || bare === undefined ? undefined : ours - bare
    },
  },
  {
    what: "relay between two nodes, CPU of both per message, against a local relay",
    scenario: "two-nodes-relay-300",
    most: 2.5,
    unit: "×",
    measured: (runs) => ratio(runs, PALAVA_TWO, PALAVA),
  },
  {
    what: "relay between two workers, CPU of both per message, against a local relay",
    scenario: "workers-relay-300",
    most: 2,
    unit: "×",
    measured: (runs) => ratio(runs, AT_TWO_WORKERS, PALAVA),
  },
  {
    what: "relay between two nodes, Redis commands per message",
    scenario: "two-nodes-relay-300",
    most: 0.2,
    unit: "",
    measured: (runs) => medianOf(runs, PALAVA_TWO, (result) => result.redisCommands ?? Number.NaN),
  },
  {
    what: "CPU per relay at the most connections, against the fewest",
    scenario: "growth-connections",
    most: 1.2,
    unit: "×",
    measured(runs) {
      const points = Object.keys(runs).filter((name) => pointOf(name) !== undefined)
      const [fewest, most] = [points[0], points.at(-1)]
      return fewest && most && fewest !== most ? ratio(runs, most, fewest) : undefined
    },
  },
  ...STORM_TARGETS,
  ...CROWD_TARGETS,
]
