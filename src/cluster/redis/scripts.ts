// Every Lua file with its typed call: the names of its keys and arguments in order, as in its header (a test compares
// them). A call is plain data; the connection sends it. The meaning of the small negative replies is here, once.

import { createHash } from "node:crypto"
import changeRooms from "../../../scripts/lua/change_rooms.lua" with { type: "text" }
import claimHour from "../../../scripts/lua/claim_hour.lua" with { type: "text" }
import endLease from "../../../scripts/lua/end_lease.lua" with { type: "text" }
import grantLeases from "../../../scripts/lua/grant_leases.lua" with { type: "text" }
import isProven from "../../../scripts/lua/is_proven.lua" with { type: "text" }
import proveMember from "../../../scripts/lua/prove_member.lua" with { type: "text" }
import renewLease from "../../../scripts/lua/renew_lease.lua" with { type: "text" }
import restoreRoom from "../../../scripts/lua/restore_room.lua" with { type: "text" }
import snapshotRoom from "../../../scripts/lua/snapshot_room.lua" with { type: "text" }
import sweepNode from "../../../scripts/lua/sweep_node.lua" with { type: "text" }
import type { Script, ScriptCall, Word } from "../backend.ts"

/** Refusals, with the same meaning in every script. */
export const REFUSED = {
  full: -1,
  leaseOver: -2,
  otherPartitions: -3,
  taken: -4,
  unproven: -5,
  locked: -6,
  identityInRoom: -7,
  replaced: -8,
} as const

/** The values for `Name`s: one each, or a list for a name with `...`. */
type Values<Name extends string, Value> = {
  readonly [N in Name]: N extends `${string}...` ? readonly Value[] : Value
}

function script<const Key extends string, const Arg extends string>(
  name: string,
  text: string,
  keys: readonly Key[],
  args: readonly Arg[],
): Script<Key, Arg> {
  return { name, text, sha1: createHash("sha1").update(text).digest("hex"), keys, args }
}

/** Puts keys and arguments in the order of the script's header. */
export function callOf<Key extends string, Arg extends string>(
  script: Script<Key, Arg>,
  keys: Values<Key, string>,
  args: Values<Arg, Word>,
): ScriptCall {
  return {
    script,
    keys: script.keys.flatMap((name) => keys[name] as string | string[]),
    args: script.args.flatMap((name) => args[name] as Word | Word[]),
  }
}

export const CHANGE_ROOMS = script(
  "change_rooms",
  changeRooms,
  ["rooms_of", "connection_time", "room_peaks", "room...", "meta...", "nodes..."],
  ["lease_until", "publish", "channel", "node", "rooms_of_prefix", "replaced_infix", "replaced_seconds", "change..."],
)

export const PROVE_MEMBER = script(
  "prove_member",
  proveMember,
  ["room"],
  ["lease_until", "node", "peer", "generation", "proof"],
)

export const IS_PROVEN = script("is_proven", isProven, ["room", "replaced"], ["peer", "proven_by"])

export const SNAPSHOT_ROOM = script("snapshot_room", snapshotRoom, ["room", "meta"], [])

export const RESTORE_ROOM = script(
  "restore_room",
  restoreRoom,
  ["room", "meta", "nodes", "connection_time", "room_peaks"],
  [
    "lease_until",
    "publish",
    "channel",
    "room_key",
    "node",
    "epoch",
    "own",
    "others",
    "rooms_of_prefix",
    "lock",
    "lock_rev",
    "replaced_prefix",
    "replaced_seconds",
  ],
)

export const SWEEP_NODE = script(
  "sweep_node",
  sweepNode,
  ["room", "meta", "nodes", "rooms_of", "connection_time", "room_peaks"],
  ["publish", "channel", "room_key", "node"],
)

export const RENEW_LEASE = script(
  "renew_lease",
  renewLease,
  ["leases", "deployment"],
  ["node", "lease_ms", "partitions", "birth", "margin_ms"],
)

export const GRANT_LEASES = script("grant_leases", grantLeases, ["leases"], ["lease_ms", "node..."])

export const END_LEASE = script("end_lease", endLease, ["leases", "deployment"], ["node", "margin_ms", "only_if_over"])

export const CLAIM_HOUR = script("claim_hour", claimHour, ["exports"], ["hour", "sink", "line"])

/** All of them. */
export const SCRIPTS: readonly Script[] = [
  CHANGE_ROOMS,
  IS_PROVEN,
  PROVE_MEMBER,
  SNAPSHOT_ROOM,
  RESTORE_ROOM,
  SWEEP_NODE,
  RENEW_LEASE,
  GRANT_LEASES,
  END_LEASE,
  CLAIM_HOUR,
]
