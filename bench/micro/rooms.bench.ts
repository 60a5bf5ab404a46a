// A room's own work: applying its log, writing what clients hear, packing what other nodes hear.

import { decodeNodeMessage, encodeRelays } from "../../src/cluster/node-message.ts"
import { joinedRoom, newPeer, peerUpdatedStatus } from "../../src/dialects/palava/server-events.ts"
import type { NodeId, PeerId, RoomKey } from "../../src/rooms/ids.ts"
import { Replica } from "../../src/rooms/replica.ts"
import type { Member, Relay } from "../../src/rooms/room-store.ts"
import { candidateData } from "../load/payloads.ts"
import { measure, type Timing } from "./harness.ts"

const NODE = crypto.randomUUID() as NodeId
const STATUS = '{"name":"Ada Lovelace","user_agent":"chrome","microphone":"muted"}'

function makeMember(): Member {
  return { peer: crypto.randomUUID() as PeerId, node: NODE, generation: 1, rev: 1, status: STATUS }
}

/** 50 members, the default limit of a room. */
const MEMBERS = Array.from({ length: 50 }, makeMember)

function replicaBench(): Timing[] {
  const replica = new Replica()
  const isHere = (): boolean => false
  replica.adopt({ epoch: "e", seq: 0, members: MEMBERS }, isHere, () => {})
  const peer = MEMBERS[25]?.peer ?? NODE
  const guest = makeMember()
  let seq = 0
  return [
    measure("replica of 50: apply a status", (turn) =>
      replica.apply(
        { epoch: "e", seq: ++seq, kind: "status", peer: peer as PeerId, rev: turn, status: STATUS },
        isHere,
      ),
    ),
    measure("replica of 50: apply a join and a leave", () => {
      replica.apply({ epoch: "e", seq: ++seq, kind: "joined", member: guest }, isHere)
      return replica.apply({ epoch: "e", seq: ++seq, kind: "left", peer: guest.peer, generation: 1 }, isHere)
    }),
  ]
}

function encodeBench(): Timing[] {
  const [own] = MEMBERS
  if (!own) return []
  // charCodeAt makes one string of what was put together, as sending it does.
  return [
    measure("encode new_peer", () => newPeer(own.peer, own.status).charCodeAt(9)),
    measure("encode peer_updated_status", () => peerUpdatedStatus(own.peer, own.status).charCodeAt(9)),
    measure("encode joined_room with 49 peers", () =>
      joinedRoom(own.peer, MEMBERS, undefined, undefined, undefined).charCodeAt(9),
    ),
  ]
}

/** 80 candidates of ten senders: what gathers between two nodes under load. */
function batchBench(): Timing[] {
  const relays: Relay[] = Array.from({ length: 10 }, () => {
    const [from, to] = [makeMember().peer, makeMember().peer]
    const room = Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString("hex") as RoomKey
    const text = JSON.stringify({ ...candidateData(), sender_id: from })
    return Array.from({ length: 8 }, () => ({ room, from, to, text }))
  }).flat()
  const bytes = encodeRelays(NODE, 1, relays)
  return [
    measure("pack a batch of 80 relays", (turn) => encodeRelays(NODE, turn, relays)),
    measure("unpack a batch of 80 relays", () => decodeNodeMessage(bytes)),
  ]
}

/** Runs these micro benches. */
export function roomsBench(): Timing[] {
  return [...replicaBench(), ...encodeBench(), ...batchBench()]
}
