// What the Redis store counts, as plain numbers: adding one costs nothing on the hot path, and whoever shows them
// (metrics, tests) reads them when asked. They only grow.

/** Numbers of one store since its start. */
export interface ClusterCounters {
  /** Scripts and publishes that Redis answered. */
  commands: number
  /** Seconds from sending to answer, over all commands. */
  commandSeconds: number
  /** Commands answered within COMMAND_SECONDS_BOUNDS[i] and not within the one before; the last is the rest. */
  readonly commandBuckets: number[]
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

/** Seconds, upper bounds of ClusterCounters.commandBuckets: a healthy Redis is below 1 ms, a wait above 1 s is an outage. */
export const COMMAND_SECONDS_BOUNDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5]

/** All at zero. */
export function makeCounters(): ClusterCounters {
  return {
    commands: 0,
    commandSeconds: 0,
    commandBuckets: COMMAND_SECONDS_BOUNDS.map(() => 0).concat(0),
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
    relaysReceived: 0,
    relaysUnreachable: 0,
    relaysUnavailable: 0,
    relaysOverflowed: 0,
    framesBroken: 0,
    framesUnknown: 0,
  }
}

/** Counts one answered command that took `seconds`. */
export function countCommand(counters: ClusterCounters, seconds: number): void {
  counters.commands++
  counters.commandSeconds += seconds
  let at = 0
  while (at < COMMAND_SECONDS_BOUNDS.length && seconds > (COMMAND_SECONDS_BOUNDS[at] as number)) at++
  counters.commandBuckets[at] = (counters.commandBuckets[at] as number) + 1
}
