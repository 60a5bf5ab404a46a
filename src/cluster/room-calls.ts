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
import type { Reply, ScriptCall } from "./backend.ts"
import { readPackedMember } from "./node-message.ts"
import type { Keys } from "./redis/keys.ts"
import {
  callOf,
  IS_PROVEN,
  JOIN_ROOM,
  LEAVE_ROOM,
  PROVE_MEMBER,
  PUBLISH_ROOM,
  REFUSED,
  RESTORE_ROOM,
  SNAPSHOT_ROOM,
  UPDATE_STATUS,
} from "./redis/scripts.ts"
import type { Terms } from "./uplink.ts"

/** A frame of a member for its room. */
export interface Publish {
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

  /** `epoch`: for the room, should it be new. */
  join(request: JoinRequest, epoch: string, terms: Terms): ScriptCall {
    const { room, peer, generation, rev, status, limit, ifTaken, withSnapshot, proof, identity } = request
    const { partition, keys, args } = this.#of(room, terms)
    return callOf(
      JOIN_ROOM,
      {
        ...keys,
        rooms_of: this.#keys.roomsOf(partition, this.#node),
        connection_time: this.#keys.connectionTime(partition, terms.hour),
      },
      {
        ...args,
        peer,
        generation: String(generation),
        rev: String(rev),
        status,
        limit: String(limit),
        if_taken: IF_TAKEN[ifTaken],
        epoch,
        with_snapshot: withSnapshot ? "1" : "0",
        rooms_of_prefix: this.#keys.roomsOfPrefix(partition),
        proof: proof?.next ?? "",
        proven_by: proof?.given ?? "",
        mark: identity?.mark ?? "",
        if_there: identity?.ifThere ?? "",
        ...this.#replacedArgs(partition, room),
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

  leave(room: RoomKey, peer: PeerId, generation: number, terms: Terms): ScriptCall {
    const { partition, keys, args } = this.#of(room, terms)
    return callOf(
      LEAVE_ROOM,
      {
        ...keys,
        rooms_of: this.#keys.roomsOf(partition, this.#node),
        connection_time: this.#keys.connectionTime(partition, terms.hour),
        room_peaks: this.#keys.roomPeaks(partition, terms.hour),
      },
      { ...args, peer, generation: String(generation) },
    )
  }

  updateStatus(room: RoomKey, peer: PeerId, rev: number, status: StatusText, terms: Terms): ScriptCall {
    const { keys, args } = this.#of(room, terms)
    return callOf(UPDATE_STATUS, keys, { ...args, peer, rev: String(rev), status })
  }

  /** Of frames for rooms of one partition. */
  publish(frames: readonly Publish[], { leaseUntil, publishWord }: Terms): ScriptCall {
    const partition = this.#keys.partitionOf((frames[0] as Publish).room)
    return callOf(
      PUBLISH_ROOM,
      {
        "room...": frames.map(({ room }) => this.#keys.room(partition, room)),
        "meta...": frames.map(({ room }) => this.#keys.meta(partition, room)),
        "nodes...": frames.map(({ room }) => this.#keys.nodes(partition, room)),
      },
      {
        lease_until: leaseUntil,
        publish: publishWord,
        channel: this.#keys.channelPrefix(partition),
        node: this.#node,
        "room_key...": frames.map(({ room }) => room),
        "peer...": frames.map(({ peer }) => peer),
        "rev...": frames.map(({ rev }) => String(rev)),
        "text...": frames.map(({ text }) => text),
        "to...": frames.map(({ to }) => to),
        "lock...": frames.map(({ lock }) => toWord(lock)),
      },
    )
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
    terms: Terms,
  ): ScriptCall {
    const { partition, keys, args } = this.#of(room, terms)
    return callOf(
      RESTORE_ROOM,
      {
        ...keys,
        connection_time: this.#keys.connectionTime(partition, terms.hour),
        room_peaks: this.#keys.roomPeaks(partition, terms.hour),
      },
      {
        ...args,
        epoch,
        own: packMembers(own),
        others: packMembers(others),
        rooms_of_prefix: this.#keys.roomsOfPrefix(partition),
        lock: toWord(lock?.isLocked),
        lock_rev: lock === undefined ? "" : String(lock.rev),
        ...this.#replacedArgs(partition, room),
      },
    )
  }

  #replacedArgs(partition: number, room: RoomKey) {
    return {
      replaced_prefix: this.#keys.replacedPrefix(partition, room),
      replaced_seconds: String(REPLACED_SECONDS),
    }
  }

  /** What the scripts that change one room take. */
  #of(room: RoomKey, { leaseUntil, publishWord }: Terms) {
    const partition = this.#keys.partitionOf(room)
    return {
      partition,
      keys: {
        room: this.#keys.room(partition, room),
        meta: this.#keys.meta(partition, room),
        nodes: this.#keys.nodes(partition, room),
      },
      args: {
        lease_until: leaseUntil,
        publish: publishWord,
        channel: this.#keys.channelPrefix(partition),
        room_key: room,
        node: this.#node,
      },
    }
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

/** What publishing answers, of each frame. */
export function readPositions(reply: readonly Reply[]): (Position | undefined)[] {
  return Array.from({ length: (reply.length - 1) / 2 }, (_, at) => {
    const seq = Number(reply[2 * at + 2])
    return seq === 0 ? undefined : { epoch: String(reply[2 * at + 1]), seq }
  })
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

/** Tells of a room that a command has closed: `closed, peak, open_ms`, where it could have. */
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
