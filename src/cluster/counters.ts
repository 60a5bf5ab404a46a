// What the Redis store counts, as plain numbers: adding one costs nothing on the hot path, and whoever shows them
// (metrics, tests) reads them when asked. They only grow.

import { Durations } from "../durations.ts"

/** Numbers of one store since its start. */
export interface ClusterCounters {
  /** From sending a script or a publish to its answer. */
  readonly commands: Durations
  /** Scripts that Redis had forgotten, sent again in full. */
  scriptsReloaded: number
  /** Connections made after one was lost. */
  reconnects: number
  /** Times this node's lease was found over. */
  leasesLost: number
  /** Times all rooms were restored. */
  resyncs: number
  /** Rooms restored, one by one. */
  restores: number
  /** Snapshots of rooms taken. */
  snapshots: number
  /** Dead nodes whose rooms this node swept. */
  sweeps: number
  /** Members this node swept. */
  sweptMembers: number
  /** Commands rejected because Redis stayed away. */
  unavailable: number
  /** Room events from Redis. */
  eventsReceived: number
  batchesSent: number
  /** Batches given up by a bug of ours, which is in the log; their relays count as unavailable. */
  batchesFailed: number
  batchesReceived: number
  /** Batches received a second time and dropped. */
  batchesRepeated: number
  relaysSent: number
  /** Of those sent: by the short way to a node of this machine. */
  relaysNear: number
  relaysReceived: number
  /** Relays given up: nobody listened on the target's channel. */
  relaysUnreachable: number
  /** Relays given up: Redis stayed away. */
  relaysUnavailable: number
  /** Relays given up: too many were waiting. */
  relaysOverflowed: number
  /** Messages from other nodes that could not be read. */
  framesBroken: number
  /** Messages of a version or a type unknown here. */
  framesUnknown: number
}

/** All at zero. */
export function makeCounters(): ClusterCounters {
  return {
    commands: new Durations(),
    scriptsReloaded: 0,
    reconnects: 0,
    leasesLost: 0,
    resyncs: 0,
    restores: 0,
    snapshots: 0,
    sweeps: 0,
    sweptMembers: 0,
    unavailable: 0,
    eventsReceived: 0,
    batchesSent: 0,
    batchesFailed: 0,
    batchesReceived: 0,
    batchesRepeated: 0,
    relaysSent: 0,
    relaysNear: 0,
    relaysReceived: 0,
    relaysUnreachable: 0,
    relaysUnavailable: 0,
    relaysOverflowed: 0,
    framesBroken: 0,
    framesUnknown: 0,
  }
}
