// Every metric in one list, in the Prometheus text format. Counting happens in plain numbers elsewhere; here they are
// read when a scrape asks. Names without a unit or with an odd one are signaltower's: existing dashboards read them.

import { Counter, Histogram } from "prom-client"
import { version } from "../../package.json" with { type: "json" }
import type { Connections } from "../connections/connections.ts"
import type { Dialect } from "../dialects/contract.ts"
import type { DialectCounters } from "../dialects/counters.ts"
import type { Rooms } from "../rooms/rooms.ts"
import { addProcessMetrics } from "./process-metrics.ts"
import { type Metrics, makeRegistry } from "./registry.ts"
import { addResumeMetrics } from "./resume-metrics.ts"

/** What is counted where. */
export interface Counted {
  readonly connections: Pick<Connections, "open" | "counters" | "places" | "memory">
  readonly rooms: Pick<Rooms, "registry" | "counters">
  readonly dialects: readonly Pick<Dialect, "name" | "counters" | "waiting" | "resumptions">[]
}

/** Milliseconds from ten seconds to a day: calls last minutes to hours. */
const ROOM_MILLISECONDS = [1e4, 6e4, 3e5, 9e5, 1.8e6, 3.6e6, 7.2e6, 1.44e7, 8.64e7]

/** Peers: most calls are of two to six. */
const ROOM_PEERS = [1, 2, 3, 4, 6, 10, 20, 50, 100]

/** The metrics of one node, with everything it counts. */
export function makeMetrics({ connections, rooms, dialects }: Counted): Metrics {
  const metrics = makeRegistry()
  const { registry, addCounter, addGauge, addDurations } = metrics
  const { counters } = rooms
  const addByDialect = (
    name: string,
    help: string,
    label: string,
    read: (counters: DialectCounters) => Readonly<Record<string, number>>,
  ): void => {
    new Counter({
      name,
      help,
      labelNames: ["dialect", label],
      registers: [registry],
      collect() {
        this.reset()
        for (const { name: dialect, counters } of dialects) {
          for (const [key, count] of Object.entries(read(counters))) this.inc({ dialect, [label]: key }, count)
        }
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
      never_joined: connections.counters.closedNeverJoined,
      place_needed: connections.counters.closedForRoom,
      memory: connections.counters.closedForMemory,
    }),
    "reason",
  )
  addCounter(
    "palava_refused_total",
    "What clients were refused, by the budget that was used up: their connection's, their address's, or the node's places.",
    () => connections.counters.refused,
    "reason",
  )
  addGauge(
    "palava_addresses",
    "Addresses (of IPv6, networks of 64 bits) that are connected or have used something of late.",
    () => connections.places.size,
  )
  addGauge(
    "palava_kept_bytes",
    "What is kept for connections: unread, unhandled, held.",
    () => connections.memory.bytes,
  )
  addCounter(
    "palava_message_bytes_total",
    "Bytes of messages, each way and times the clients they are for; a character counts as one.",
    () => ({
      received: connections.counters.bytesReceived,
      sent: connections.counters.bytesSent + counters.bytesSent,
    }),
    "direction",
  )
  addByDialect(
    "palava_messages_total",
    "Messages from clients by event; unknown events are other.",
    "event",
    ({ totals }) => totals,
  )
  addByDialect("palava_errors_total", "Error events sent to clients by id.", "id", ({ errors }) => errors)
  addGauge(
    "palava_waiting_messages",
    "Messages kept for peers that are not there.",
    () => Object.fromEntries(dialects.flatMap(({ name, waiting }) => (waiting ? [[name, waiting()]] : []))),
    "dialect",
  )
  addCounter(
    "palava_relays_total",
    "Messages passed on, to a peer of this node or to another node.",
    () => ({ local: counters.relaysLocal, remote: counters.relaysRemote }),
    "target",
  )
  addCounter(
    "palava_statuses_coalesced_total",
    "Status changes that a later one of the same member took the place of before the room was told.",
    () => counters.statusesCoalesced,
  )
  addCounter("palava_relays_dropped_total", "Messages from other nodes for nobody here.", () => counters.relaysDropped)
  addCounter("palava_gaps_healed_total", "Gaps in a room's log repaired by a snapshot.", () => counters.gapsRepaired)
  addCounter(
    "palava_rooms_reclaimed_total",
    "Times live members the log had lost were claimed back.",
    () => counters.reclaims,
  )
  addDurations(
    "palava_room_command_seconds",
    "Seconds until the store had taken a join, a leave or a new status, or given it up.",
    () => counters.times,
    "command",
  )
  addCounter("palava_room_created_total", "Rooms opened.", () => counters.roomsOpened)
  addCounter("palava_room_closed_total", "Rooms closed.", () => counters.roomsClosed)
  addCounter("palava_joined_room_total", "Joins.", () => counters.joins)
  addCounter("palava_leave_room_total", "Leaves, however they happened.", () => counters.leaves)
  addCounter(
    "palava_members_replaced_total",
    "Members replaced by a later one of the same identity.",
    () => counters.replaced,
  )

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
  addResumeMetrics(metrics, dialects)
  addProcessMetrics(metrics, version)
  return metrics
}
