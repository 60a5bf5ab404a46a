// The options that bound what clients may have and do, in the order of --help.

import { option } from "./option.ts"
import { oneOf, whole } from "./values.ts"

/** See options.ts, of which they are a part. */
export const LIMIT_OPTIONS = {
  roomSize: option({ schema: whole(1, 10_000), default: 50, value: "PEERS", help: "most peers in a room" }),
  roomLocks: option({
    schema: oneOf("off", "members"),
    default: "off",
    value: "off|members",
    help: "who may lock a room where no access token says it: nobody, or each of its members",
  }),
  maxConnections: option({
    schema: whole(0, 10_000_000),
    default: 0,
    value: "COUNT",
    defaultText: "as many as the limit of open files has room for",
    help: "most connections at this node; some open files are kept back for Redis, health and metrics",
  }),
  addressConnections: option({
    schema: whole(0, 10_000_000),
    default: 2000,
    value: "COUNT",
    help: "most connections from one address (an IPv6 /64 is one), which may be that of a whole company; 0 is no limit",
  }),
  addressConnectsPerSecond: option({
    schema: whole(0, 1_000_000),
    default: 100,
    value: "COUNT",
    help: "new connections per second from one address, 20 times as many at once, as all behind it come back together; 0 is no limit",
  }),
  addressShare: option({
    schema: whole(0, 10_000),
    default: 20,
    value: "TIMES",
    help: "messages, joins and output one address may have, as a multiple of a connection's: not all behind it are busy at once; 0 is no limit",
  }),
  maxFrameBytes: option({
    schema: whole(1024, 16_777_216),
    default: 65_536,
    value: "BYTES",
    help: "largest frame a client may send",
  }),
  maxBacklogBytes: option({
    schema: whole(65_536, 268_435_456),
    default: 1_048_576,
    value: "BYTES",
    help: "unsent data after which a slow reader is closed",
  }),
  resumeMemoryMb: option({
    schema: whole(1, 65_536),
    default: 64,
    value: "MIB",
    help: "what is kept for clients that come back, all together; over it a resumption is not complete",
  }),
  ratePerSecond: option({
    schema: whole(0, 10_000_000),
    default: 500,
    value: "MESSAGES",
    help: "messages a connection may send per second; 0 is no limit",
  }),
  rateBurst: option({
    schema: whole(1, 10_000_000),
    default: 12_000,
    value: "MESSAGES",
    help: "messages it may send at once after a pause",
  }),
  joinsPerSecond: option({
    schema: whole(0, 1_000_000),
    default: 20,
    value: "JOINS",
    help: "joins a connection may ask for per second, 50 times as many at once, for who is in many rooms; 0 is no limit",
  }),
  outputKbPerSecond: option({
    schema: whole(0, 10_000_000),
    default: 1024,
    value: "KIB",
    help: "what a connection may cause to be sent per second, to all receivers, 32 times as much at once, as when a room of 50 begins; 0 is no limit",
  }),
  memoryMb: option({
    schema: whole(0, 16_777_216),
    default: 0,
    defaultText: "a quarter of the memory, by --workers",
    value: "MIB",
    help: "what is kept for all connections together: not yet whole, not yet handled, not yet read, held; over it the greediest is closed, of the address that has most",
  }),
} as const
