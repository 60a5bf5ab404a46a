// A membership that comes from another node, from the request of its client until that is answered: while what was sent to
// it there is on its way, this holds the membership in the client's place, and keeps what is said to it here.

import type { Clock } from "../../clock.ts"
import type { RoomCommands } from "../../rooms/commands.ts"
import type { PeerId } from "../../rooms/ids.ts"
import type { Holder, Membership, Payer } from "../../rooms/membership.ts"
import type { Member, Position, Ref, StatusText } from "../../rooms/room-store.ts"
import type { HandOverOutcome, ResumptionCounters } from "../counters.ts"
import type { FrameLog } from "./frame-log.ts"
import type { PackedLog } from "./hand-over-message.ts"
import type { Arriving, HandOvers } from "./hand-overs.ts"
import { type ReadToken, toProof } from "./resume-token.ts"
import type { PreparedResumption } from "./resumption.ts"

/** 1 s: the node of before speaks as soon as it hears that the member has gone, within milliseconds. Else it is dead. */
const SILENT_MS = 1_000

/** 2 s from its first word on: it waits for others for one, and has all its members to see to when it stops. */
const LOG_MS = 2_000

/** No connection hears what is published here: it is no id of one, and no room's key. Bun takes no empty topic. */
const NOWHERE = "nowhere"

/** The client whose membership it is. */
export interface ArrivingClient {
  readonly payer: Payer
  /** It has the membership from here on, and these frames are to be sent to it; undefined when some may be lost. */
  onArrived(membership: Membership, prepared: PreparedResumption, frames: readonly string[] | undefined, ref: Ref): void
  /** Another connection has taken the membership over meanwhile. */
  onOvertaken(): void
  /** Another of its identity has taken its place. */
  onReplaced(membership: Membership): void
  /** Its time in the room is over. */
  onExpired(membership: Membership): void
}

/** What an arrival works with. */
export interface ArrivalParts {
  readonly clock: Clock
  readonly commands: RoomCommands
  readonly handOvers: HandOvers
  readonly counters: ResumptionCounters
  /** Told of a bug. */
  readonly onBug: (cause: unknown) => void
}

/** What the node of before has said; the join of a generation may come to nothing and be asked for again. */
interface Told {
  readonly generation: number
  readonly packed: PackedLog | undefined
  /** Whether it was said in words of this release. */
  readonly isKnown: boolean
}

/** See the head of this file. */
export class Arrival implements Holder, Arriving {
  readonly isHeld = true
  readonly topic = NOWHERE
  readonly peer: PeerId
  readonly placed: Promise<void>
  readonly done: Promise<void>
  readonly #parts: ArrivalParts
  readonly #client: ArrivingClient
  readonly #prepared: PreparedResumption
  readonly #given: string
  readonly #received: number
  readonly #queue: FrameLog
  readonly #onPlaced: () => void
  readonly #onDone: () => void
  #membership: Membership | undefined
  #ref: Ref
  #at: Position | undefined
  #coming: number | undefined
  #told: Told | undefined
  #status: StatusText | undefined
  #cancelTimer: () => void = () => {}
  #isCancelled = false
  #isOvertaken = false
  #isOver = false

  /** @param received frames that the client, which gave this token, has */
  constructor(
    parts: ArrivalParts,
    client: ArrivingClient,
    prepared: PreparedResumption,
    { peer, hash }: ReadToken,
    received: number,
  ) {
    const placed = Promise.withResolvers<void>()
    const done = Promise.withResolvers<void>()
    this.#parts = parts
    this.#client = client
    this.#prepared = prepared
    this.peer = peer
    this.#given = toProof(hash)
    this.#received = received
    this.#queue = prepared.resumption.log.another()
    this.placed = placed.promise
    this.done = done.promise
    this.#onPlaced = placed.resolve
    this.#onDone = done.resolve
  }

  /** A client whose connection broke is as one that is held; only one that says good-bye is gone. */
  get isOpen(): boolean {
    return !this.#isCancelled
  }

  isBefore({ epoch, seq }: Position): boolean {
    return this.#at !== undefined && this.#at.epoch === epoch && this.#at.seq < seq
  }

  subscribe(): void {}

  unsubscribe(): void {}

  get payer(): Payer {
    return this.#client.payer
  }

  onPressure(): void {}

  onRelayFailed(): void {}

  onJoined(membership: Membership, ref: Ref): void {
    this.#membership = membership
    this.#ref = ref
    this.#at = membership.room.position
    membership.log = this.#queue
    this.#parts.handOvers.onArrived(this.peer)
    this.#onPlaced()
    if (this.#coming === membership.generation) this.#wait(LOG_MS, "late")
    else this.#wait(SILENT_MS, "silent")
    this.#endIfTold()
  }

  /** Yet another node is the next; it gets all that is still on its way here. */
  onTakenOver(membership: Membership, by: Member, isLogged: boolean): void {
    const { handOvers, onBug } = this.#parts
    const { resumption } = this.#prepared
    this.#isOvertaken = true
    this.#client.onOvertaken()
    const ready = this.done.then(() => resumption.isExact)
    handOvers.depart(membership, by, isLogged, resumption, ready).catch(onBug)
  }

  onExpired(membership: Membership): void {
    this.#client.onExpired(membership)
    this.cancel()
  }

  onReplaced(membership: Membership): void {
    this.#client.onReplaced(membership)
    this.cancel()
  }

  onComing(generation: number): void {
    this.#coming = generation
    if (this.#membership?.generation === generation) this.#wait(LOG_MS, "late")
  }

  onLog(generation: number, packed: PackedLog | undefined, isKnown = true): void {
    this.#told = { generation, packed, isKnown }
    this.#endIfTold()
  }

  /** The client says good-bye: it leaves. */
  cancel(): void {
    this.#isCancelled = true
    if (this.#membership !== undefined) this.#end("incomplete")
  }

  /** It does not come, unless it has. */
  fail(): void {
    this.#parts.handOvers.forget(this)
    this.#onPlaced()
    this.#onDone()
  }

  #wait(ms: number, outcome: HandOverOutcome): void {
    this.#cancelTimer()
    this.#cancelTimer = this.#parts.clock.after(ms, () => this.#end(outcome))
  }

  #endIfTold(): void {
    const told = this.#told
    if (told === undefined || told.generation !== this.#membership?.generation) return
    this.#end(told.isKnown ? this.#take(told.packed) : "unknown")
  }

  /** All that the client has to get is in one log: what was sent to it there, and then what was said to it here. */
  #take(packed: PackedLog | undefined): HandOverOutcome {
    const { resumption } = this.#prepared
    if (packed === undefined || packed.at.epoch !== this.#at?.epoch || packed.at.seq !== this.#at.seq)
      return "incomplete"
    const knowsCount = packed.anewFor === undefined || packed.anewFor === this.#given
    if (!knowsCount || this.#queue.sent > this.#queue.kept.length) return "incomplete"
    resumption.unpack(packed)
    for (const frame of this.#queue.kept) resumption.log.push(frame)
    this.#status = packed.status
    return "complete"
  }

  #end(outcome: HandOverOutcome): void {
    const membership = this.#membership
    if (this.#isOver || membership === undefined) return
    this.#isOver = true
    this.#cancelTimer()
    this.#queue.clear()
    const { commands, counters, handOvers, onBug } = this.#parts
    const { resumption } = this.#prepared
    membership.log = resumption.log
    // A status that is still to be told goes no further than one node.
    if (outcome !== "complete" || (this.#isOvertaken && this.#status !== undefined)) resumption.giveUp()
    if (this.#isCancelled) commands.leave(membership)?.catch(onBug)
    else if (!this.#isOvertaken) {
      const frames = resumption.missing(this.#received)
      counters.handOvers[outcome === "complete" && frames === undefined ? "incomplete" : outcome]++
      this.#client.onArrived(membership, this.#prepared, frames, this.#ref)
      if (frames !== undefined) this.#tellStatus(membership)
    }
    handOvers.forget(this)
    this.#onDone()
  }

  #tellStatus(membership: Membership): void {
    if (this.#status === undefined) return
    this.#parts.commands.updateStatus(membership, this.#status, undefined).then((outcome) => {
      if (outcome === "unavailable") membership.holder.onRelayFailed(undefined, outcome)
    }, this.#parts.onBug)
  }
}
