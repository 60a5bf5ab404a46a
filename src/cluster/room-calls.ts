// The commands of a room store as script calls, and what their replies say: the place where the contract's words become
// keys and arguments. When and how often a call is sent is the uplink's part.

import { encode } from "@msgpack/msgpack"
import type { NodeId, PeerId, RoomKey } from "../rooms/ids.ts"
import {
  type Audience,
  type JoinRequest,
  type JoinResult,
  type Lock,
  type Member,
  type OwnMember,
  type Position,
  type Proven,
  REPLACED_SECONDS,
  type RoomListener,
  type RoomSnapshot,
  type StatusText,
} from "../rooms/room-store.ts"
import type { Reply, ScriptCall, Word } from "./backend.ts"
import type { Epochs } from "./epochs.ts"
import { readPackedMember } from "./node-message.ts"
import type { Keys } from "./redis/keys.ts"
import { CHANGE_ROOMS, callOf, IS_PROVEN, PROVE_MEMBER, REFUSED, RESTORE_ROOM, SNAPSHOT_ROOM } from "./redis/scripts.ts"
import type { Terms } from "./uplink.ts"

/** What this node changes of a room: who is in it, their status, a frame of theirs. */
export type Change =
  /** `epochs`: for the room, should it be new. */
  | { readonly kind: "join"; readonly room: RoomKey; readonly request: JoinRequest; readonly epochs: Epochs }
  | { readonly kind: "leave"; readonly room: RoomKey; readonly peer: PeerId; readonly generation: number }
  | {
      readonly kind: "status"
      readonly room: RoomKey
      readonly peer: PeerId
      readonly rev: number
      readonly status: StatusText
    }
  | {
      readonly kind: "frame"
      readonly room: RoomKey
      readonly peer: PeerId
      readonly rev: number
      readonly text: string
      readonly to: Audience
      /** Locks the room with it, or unlocks it. */
      readonly lock: boolean | undefined
    }

/** Makes the calls of one node. */
export class RoomCalls {
  readonly #node: NodeId
  readonly #keys: Keys

  constructor(node: NodeId, keys: Keys) {
    this.#node = node
    this.#keys = keys
  }

  /** Of changes of rooms of one partition. */
  change(changes: readonly Change[], { leaseUntil, publishWord, hour }: Terms): ScriptCall {
    const partition = this.#keys.partitionOf((changes[0] as Change).room)
    return callOf(
      CHANGE_ROOMS,
      {
        rooms_of: this.#keys.roomsOf(partition, this.#node),
        connection_time: this.#keys.connectionTime(partition, hour),
        room_peaks: this.#keys.roomPeaks(partition, hour),
        "room...": changes.map(({ room }) => this.#keys.room(partition, room)),
        "meta...": changes.map(({ room }) => this.#keys.meta(partition, room)),
        "nodes...": changes.map(({ room }) => this.#keys.nodes(partition, room)),
      },
      {
        lease_until: leaseUntil,
        publish: publishWord,
        channel: this.#keys.channelPrefix(partition),
        node: this.#node,
        rooms_of_prefix: this.#keys.roomsOfPrefix(partition),
        replaced_infix: this.#keys.replacedInfix,
        replaced_seconds: String(REPLACED_SECONDS),
        "change...": changes.flatMap(toWords),
      },
    )
  }

  prove(room: RoomKey, peer: PeerId, generation: number, proof: string, { leaseUntil }: Terms): ScriptCall {
    const key = this.#keys.room(this.#keys.partitionOf(room), room)
    const args = { lease_until: leaseUntil, node: this.#node, peer, generation: String(generation), proof }
    return callOf(PROVE_MEMBER, { room: key }, args)
  }

  isProven(room: RoomKey, peer: PeerId, given: string): ScriptCall {
    const partition = this.#keys.partitionOf(room)
    const keys = { room: this.#keys.room(partition, room), replaced: this.#keys.replaced(partition, room, peer) }
    return callOf(IS_PROVEN, keys, { peer, proven_by: given })
  }

  snapshot(room: RoomKey): ScriptCall {
    const partition = this.#keys.partitionOf(room)
    return callOf(SNAPSHOT_ROOM, { room: this.#keys.room(partition, room), meta: this.#keys.meta(partition, room) }, {})
  }

  /** `epoch`: for the room, should it be new. */
  restore(
    room: RoomKey,
    own: readonly OwnMember[],
    others: readonly Member[],
    lock: Lock | undefined,
    epoch: string,
    { leaseUntil, publishWord, hour }: Terms,
  ): ScriptCall {
    const partition = this.#keys.partitionOf(room)
    return callOf(
      RESTORE_ROOM,
      {
        room: this.#keys.room(partition, room),
        meta: this.#keys.meta(partition, room),
        nodes: this.#keys.nodes(partition, room),
        connection_time: this.#keys.connectionTime(partition, hour),
        room_peaks: this.#keys.roomPeaks(partition, hour),
      },
      {
        lease_until: leaseUntil,
        publish: publishWord,
        channel: this.#keys.channelPrefix(partition),
        room_key: room,
        node: this.#node,
        epoch,
        own: packMembers(own),
        others: packMembers(others),
        rooms_of_prefix: this.#keys.roomsOfPrefix(partition),
        lock: toWord(lock?.isLocked),
        lock_rev: lock === undefined ? "" : String(lock.rev),
        replaced_prefix: this.#keys.replacedPrefix(partition, room),
        replaced_seconds: String(REPLACED_SECONDS),
      },
    )
  }
}

/** Why a join was refused; undefined when it was not. */
export function readRefusal([code]: readonly Reply[]): Exclude<JoinResult, { kind: "joined" }> | undefined {
  if (code === REFUSED.full) return { kind: "full" }
  if (code === REFUSED.taken) return { kind: "taken" }
  if (code === REFUSED.locked) return { kind: "locked" }
  if (code === REFUSED.identityInRoom) return { kind: "identity_in_room" }
  return code === REFUSED.unproven ? { kind: "unproven" } : undefined
}

/** What is known of a proof. */
export function readProven([code]: readonly Reply[]): Proven {
  return code === REFUSED.replaced ? "replaced" : code === 1
}

/** What a change of a room answers: its position, or undefined when nothing changed. */
export function readPosition([isChanged, epoch, seq]: readonly Reply[]): Position | undefined {
  return isChanged === 1 ? { epoch: String(epoch), seq: Number(seq) } : undefined
}

/** `epoch, seq, [peer, packed member, ...]`. */
export function readSnapshot([epoch, seq, list]: readonly Reply[]): RoomSnapshot {
  const packed = (list ?? []) as Buffer[]
  const members: { member: Member; order: number }[] = []
  for (let at = 0; at < packed.length; at += 2) {
    members.push(readPackedMember(String(packed[at]), packed[at + 1] as Buffer))
  }
  members.sort((a, b) => a.order - b.order)
  return { epoch: String(epoch), seq: Number(seq), members: members.map(({ member }) => member) }
}

/** Tells of a room that a command has closed: `1, peak, open_ms`, if it has. */
export function tellIfClosed(
  listener: RoomListener | undefined,
  room: RoomKey,
  [closed, peak, openMs]: readonly Reply[],
): void {
  if (closed === 1) listener?.onRoomClosed(room, Number(peak), Number(openMs))
}

/** Whether a room is locked, as the scripts say it. */
function toWord(isLocked: boolean | undefined): string {
  return isLocked === undefined ? "" : isLocked ? "1" : "0"
}

/** As the script reads it: its kind, and what goes with that. */
function toWords(change: Change): Word[] {
  const { room } = change
  switch (change.kind) {
    case "join": {
      const { peer, generation, rev, status, limit, ifTaken, withSnapshot, proof, identity } = change.request
      return [
        ...["join", room, peer, String(generation), String(rev), status, String(limit), IF_TAKEN[ifTaken]],
        ...[change.epochs.next(), withSnapshot ? "1" : "0", proof?.next ?? "", proof?.given ?? ""],
        ...[identity?.mark ?? "", identity?.ifThere ?? ""],
      ]
    }
    case "leave":
      return ["leave", room, change.peer, String(change.generation)]
    case "status":
      return ["status", room, change.peer, String(change.rev), change.status]
    case "frame":
      return ["frame", room, change.peer, String(change.rev), change.text, change.to, toWord(change.lock)]
  }
}

/** As the script calls it. */
const IF_TAKEN: Readonly<Record<JoinRequest["ifTaken"], string>> = {
  leave: "leave",
  takeOver: "take_over",
  refuse: "refuse",
}

function packMembers(members: readonly OwnMember[]): Buffer {
  const rows = members.map(({ peer, node, generation, rev, status, born = false, proof = false, mark = false }) => {
    return [peer, node, generation, rev, status, born, proof, mark]
  })
  const bytes = encode(rows)
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
