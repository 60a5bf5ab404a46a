// The metrics of a node that works with Redis.

import { Gauge } from "prom-client"
import type { ClusterCounters } from "../cluster/counters.ts"
import type { Metrics } from "./registry.ts"

/** Adds what the Redis store counts, and whether it can be reached. */
export function addRedisMetrics(
  { registry, addCounter, addDurations }: Metrics,
  counters: ClusterCounters,
  isUp: () => boolean,
): void {
  new Gauge({
    name: "palava_store_up",
    help: "1 while Redis can be reached and this node's lease holds.",
    aggregator: "min",
    registers: [registry],
    collect() {
      this.set(isUp() ? 1 : 0)
    },
  })
  addDurations(
    "palava_store_command_seconds",
    "Seconds until Redis answered a script or a publish.",
    () => counters.commands,
  )
  addCounter("palava_store_reconnects_total", "Connections made after one was lost.", () => counters.reconnects)
  addCounter("palava_store_leases_lost_total", "Times this node's lease had run out.", () => counters.leasesLost)
  addCounter("palava_store_resyncs_total", "Times all rooms of this node were restored.", () => counters.resyncs)
  addCounter("palava_store_restores_total", "Rooms restored.", () => counters.restores)
  addCounter("palava_store_sweeps_total", "Dead nodes whose rooms this node swept.", () => counters.sweeps)
  addCounter("palava_store_swept_members_total", "Members this node swept.", () => counters.sweptMembers)
  addCounter("palava_store_unavailable_total", "Commands given up as Redis stayed away.", () => counters.unavailable)
  addCounter("palava_store_scripts_reloaded_total", "Scripts Redis had forgotten.", () => counters.scriptsReloaded)
  addCounter("palava_node_events_received_total", "Room events from Redis.", () => counters.eventsReceived)
  addCounter(
    "palava_node_batches_total",
    "Batches of messages between nodes.",
    () => ({
      sent: counters.batchesSent,
      received: counters.batchesReceived,
      repeated: counters.batchesRepeated,
      failed: counters.batchesFailed,
    }),
    "direction",
  )
  addCounter(
    "palava_node_relays_total",
    "Messages of clients between nodes.",
    () => ({ sent: counters.relaysSent, received: counters.relaysReceived }),
    "direction",
  )
  addCounter(
    "palava_node_relays_near_total",
    "Messages of clients sent to another worker of this server, past Redis.",
    () => counters.relaysNear,
  )
  addCounter(
    "palava_node_relays_failed_total",
    "Messages of clients that reached no other node.",
    () => ({
      unreachable: counters.relaysUnreachable,
      unavailable: counters.relaysUnavailable,
      overflowed: counters.relaysOverflowed,
    }),
    "reason",
  )
  addCounter(
    "palava_node_frames_dropped_total",
    "Messages from other nodes that could not be used.",
    () => ({ broken: counters.framesBroken, unknown: counters.framesUnknown }),
    "reason",
  )
}
