// Every metric in one list, in the Prometheus text format. Counting happens in plain numbers elsewhere; here they are
// read when a scrape asks. Names without a unit or with an odd one are signaltower's: existing dashboards read them.

import { Counter, Gauge, Histogram, Registry } from "prom-client"
import { version } from "../../package.json" with { type: "json" }
import type { Connections } from "../connections/connections.ts"
import type { PalavaCounters } from "../dialects/palava/counters.ts"
import type { Rooms } from "../rooms/rooms.ts"
import { addProcessMetrics } from "./process-metrics.ts"

/** What is counted where. */
export interface Counted {
  readonly connections: Pick<Connections, "open" | "counters">
  readonly rooms: Pick<Rooms, "registry" | "counters">
  readonly palava: PalavaCounters
}

/** Milliseconds from ten seconds to a day: calls last minutes to hours. */
const ROOM_MILLISECONDS = [1e4, 6e4, 3e5, 9e5, 1.8e6, 3.6e6, 7.2e6, 1.44e7, 8.64e7]

/** Peers: most calls are of two to six. */
const ROOM_PEERS = [1, 2, 3, 4, 6, 10, 20, 50, 100]

/** Adds `name`, read from `read` at each scrape; with `label`, one sample per key. */
export type AddMetric = (
  name: string,
  help: string,
  read: () => number | Readonly<Record<string, number>>,
  label?: string,
) => void

/** One node's metrics, and how to add more. */
export interface Metrics {
  readonly registry: Registry
  readonly addCounter: AddMetric
  readonly addGauge: AddMetric
}

/** The metrics of one node, with everything it counts. */
export function makeMetrics({ connections, rooms, palava }: Counted): Metrics {
  const registry = new Registry()
  const { counters } = rooms
  const addCounter: AddMetric = (name, help, read, label) => {
    new Counter({
      name,
      help,
      labelNames: label === undefined ? [] : [label],
      registers: [registry],
      collect() {
        this.reset()
        const value = read()
        if (typeof value === "number") this.inc(value)
        else for (const [key, count] of Object.entries(value)) this.inc({ [label ?? "key"]: key }, count)
      },
    })
  }
  const addGauge: AddMetric = (name, help, read, label) => {
    new Gauge({
      name,
      help,
      labelNames: label === undefined ? [] : [label],
      registers: [registry],
      collect() {
        const value = read()
        if (typeof value === "number") return this.set(value)
        this.reset()
        for (const [key, count] of Object.entries(value)) this.set({ [label ?? "key"]: key }, count)
      },
    })
  }

  addGauge("palava_connections", "Open connections.", () => connections.open.size)
  addGauge("palava_rooms", "Rooms with members at this node.", () => rooms.registry.size)
  addCounter("palava_connections_opened_total", "Connections opened.", () => connections.counters.opened)
  addCounter(
    "palava_connections_closed_total",
    "Connections closed by this server, by reason.",
    () => ({
      silent: connections.counters.closedSilent,
      rate_limited: connections.counters.closedRateLimited,
      too_slow: connections.counters.closedTooSlow,
    }),
    "reason",
  )
  addCounter(
    "palava_messages_total",
    "Messages from clients by event; unknown events are other.",
    () => ({ ...palava.events, send_to_peer: (palava.events["send_to_peer"] ?? 0) + palava.relayFrames }),
    "event",
  )
  addCounter("palava_errors_total", "Error events sent to clients by id.", () => palava.errors, "id")
  addCounter(
    "palava_relays_total",
    "Messages passed on, to a peer of this node or to another node.",
    () => ({ local: counters.relaysLocal, remote: counters.relaysRemote }),
    "target",
  )
  addCounter("palava_relays_dropped_total", "Messages from other nodes for nobody here.", () => counters.relaysDropped)
  addCounter("palava_gaps_healed_total", "Gaps in a room's log repaired by a snapshot.", () => counters.gapsRepaired)
  addCounter(
    "palava_rooms_reclaimed_total",
    "Times live members the log had lost were claimed back.",
    () => counters.reclaims,
  )
  addCounter("palava_room_created_total", "Rooms opened.", () => counters.roomsOpened)
  addCounter("palava_room_closed_total", "Rooms closed.", () => counters.roomsClosed)
  addCounter("palava_joined_room_total", "Joins.", () => counters.joins)
  addCounter("palava_leave_room_total", "Leaves, however they happened.", () => counters.leaves)

  const duration = new Histogram({
    name: "palava_duration_room_milliseconds",
    help: "How long rooms were open, in milliseconds.",
    buckets: ROOM_MILLISECONDS,
    registers: [registry],
  })
  const peak = new Histogram({
    name: "palava_room_peak_users_total",
    help: "Most peers a room had at once.",
    buckets: ROOM_PEERS,
    registers: [registry],
  })
  counters.onRoomClosed = (peers, openMs) => {
    duration.observe(openMs)
    peak.observe(peers)
  }
  const metrics = { registry, addCounter, addGauge }
  addProcessMetrics(metrics, version)
  return metrics
}
