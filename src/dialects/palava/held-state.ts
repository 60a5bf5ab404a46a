// What is held for clients of this dialect, as plain data: packed when the process ends, held again by the one that takes
// its place. Only the hash of a token's secret is in it; frames are, as they were sent.

import * as v from "valibot"
import { sleep } from "../../clock.ts"
import type { PeerId, RoomKey } from "../../rooms/ids.ts"
import type { Membership } from "../../rooms/membership.ts"
import type { Lock } from "../../rooms/room-store.ts"
import type { MakeClosed } from "../contract.ts"
import { GRANT } from "../grant.ts"
import type { PalavaParts } from "./client.ts"
import { PalavaConversation } from "./conversation.ts"
import { PALAVA_ENCODER } from "./encoder.ts"
import type { Resumable } from "./resumptions.ts"
import { isStatusText } from "./status.ts"

/** 200 ms for messages that wait (for a plug-in, say) to be answered: the whole end of the process may take 0.7 s. */
const PENDING_MS = 200

const COUNT = v.pipe(v.number(), v.safeInteger(), v.minValue(0))

const MEMBER = v.object({
  peer: v.pipe(v.string(), v.regex(/^[0-9a-f-]{36}$/)),
  generation: COUNT,
  born: v.optional(COUNT),
  rev: COUNT,
  status: v.pipe(v.string(), v.check(isStatusText)),
  grant: v.optional(GRANT),
  /** Milliseconds for which it is still held. */
  leftMs: v.pipe(v.number(), v.minValue(0)),
  /** Of its token, or two of them: see Resumption.proof. */
  proof: v.pipe(v.string(), v.regex(/^[\w-]{43}( [\w-]{43})?$/)),
  resumption: v.pipe(
    v.object({
      ...{ received: COUNT, sent: COUNT, frames: v.array(v.string()), isExact: v.boolean() },
      anewFor: v.optional(v.string()),
    }),
    v.check(({ sent, frames }) => frames.length <= sent),
  ),
})

/** Members oldest first. */
const ROOMS = v.pipe(
  v.array(
    v.object({
      room: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
      lock: v.optional(v.object({ isLocked: v.boolean(), rev: COUNT })),
      members: v.array(MEMBER),
    }),
  ),
  v.check((rooms) => isSet(rooms.map(({ room }) => room))),
  v.check((rooms) => isSet(rooms.flatMap(({ members }) => members.map(({ peer }) => peer)))),
)

type HeldMember = v.InferOutput<typeof MEMBER>

/** All that is held, by room. */
export async function packHeld({ resumptions, clock }: PalavaParts): Promise<v.InferOutput<typeof ROOMS>> {
  const { held } = resumptions
  const late = await lateAmong(held, sleep(clock, PENDING_MS))
  const rooms = new Map<string, { lock: Lock | undefined; members: HeldMember[] }>()
  for (const of of held) {
    const { membership, resumption } = of
    if (membership?.isIn !== true || resumption === undefined) continue
    const { room, peer, generation, statusRev: rev, status, grant } = membership
    const packed = resumption.pack()
    const member: HeldMember = {
      ...{ peer, generation, rev, status },
      ...(grant === undefined ? {} : { grant }),
      born: room.members.get(peer)?.born,
      leftMs: Math.max(0, resumption.heldUntil - clock.monotonicMs()),
      proof: resumption.proof,
      resumption: { ...packed, frames: [...packed.frames], isExact: packed.isExact && !late.has(of) },
    }
    const known = rooms.get(room.key)
    if (known === undefined) rooms.set(room.key, { lock: room.lock, members: [member] })
    else known.members.push(member)
  }
  // The numbers of memberships tell who is older, and a room's order is that of its joins.
  const age = ({ born, generation }: HeldMember): number => born ?? generation
  for (const { members } of rooms.values()) members.sort((a, b) => age(a) - age(b))
  return [...rooms].map(([room, of]) => ({ room, ...of }))
}

/** Holds again what `packHeld` gave. @returns how many; undefined when this is not what it gives */
export async function unpackHeld(
  parts: PalavaParts,
  held: unknown,
  ageMs: number,
  makeClosed: MakeClosed,
): Promise<number | undefined> {
  const read = v.safeParse(ROOMS, held, { abortEarly: true })
  if (!read.success) return undefined
  let count = 0
  for (const { room, members, lock } of read.output) {
    await unpackRoom(parts, room as RoomKey, members, lock, ageMs, makeClosed)
    count += members.length
  }
  return count
}

async function unpackRoom(
  parts: PalavaParts,
  key: RoomKey,
  members: readonly HeldMember[],
  lock: Lock | undefined,
  ageMs: number,
  makeClosed: MakeClosed,
): Promise<void> {
  const { rooms, resumptions } = parts
  const former = members.flatMap(({ peer: id, leftMs, resumption: packed, ...member }) => {
    const peer = id as PeerId
    const prepared = resumptions.prepare({ room: key, peer, grant: member.grant })
    if (prepared === undefined) return []
    const { resumption } = prepared
    resumption.unpack(packed, member.proof)
    const holder = makeClosed((connection) => new PalavaConversation(connection, parts))
    const onReadmitted = (membership: Membership) => holder.goOn(membership, resumption, Math.max(0, leftMs - ageMs))
    return [{ ...member, peer, holder, log: resumption.log, onReadmitted }]
  })
  if (former.length > 0) await rooms.readmit(key, PALAVA_ENCODER, former, lock)
}

/** Those whose last message is still waited for when the time is over: no number says whether it was taken. */
async function lateAmong(held: readonly Resumable[], timeIsOver: Promise<void>): Promise<ReadonlySet<Resumable>> {
  const late = new Set(held.filter(({ resumption }) => resumption?.pending !== undefined))
  const answers = [...late].map((of) => of.resumption?.pending?.then(() => late.delete(of)))
  await Promise.race([Promise.all(answers), timeIsOver])
  return late
}

function isSet(texts: readonly string[]): boolean {
  return new Set(texts).size === texts.length
}
