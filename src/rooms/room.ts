// One room at this node: what becomes of its memberships as the log goes on, and what they are told of it. It asks its
// dialect for the text of what happens, and sends it by topic. The log is below it, and the lists of memberships.

import type { Clock } from "../clock.ts"
import type { RoomCounters } from "./counters.ts"
import type { RoomEncoder } from "./encoder.ts"
import type { NodeId, PeerId, RoomKey } from "./ids.ts"
import type { Joiner } from "./joiner.ts"
import type { JoinedRoom, Membership } from "./membership.ts"
import type { RoomObserver } from "./observer.ts"
import { type Change, hasLater } from "./replica.ts"
import { RoomMembers } from "./room-members.ts"
import type { Lock, Member, Relay, StatusText } from "./room-store.ts"
import type { Topics } from "./topics.ts"
import type { RoomTracer } from "./tracer.ts"

/** In place of a peer in a relay: every member of the room at that node. No peer id looks like it. */
export const EVERYONE = "*" as PeerId

/** What all rooms of a node share. */
export interface RoomParts {
  readonly node: NodeId
  readonly clock: Clock
  readonly topics: Topics
  readonly counters: RoomCounters
  readonly observer: RoomObserver
  readonly tracer: RoomTracer | undefined
  /** Fetches a snapshot of the room, which adopts it. */
  readonly repair: (room: Room) => void
  /** Tells the store again who of this node is in the room, which adopts the answer. */
  readonly reclaim: (room: Room) => void
  /** Nobody of this node may be left in the room. */
  readonly drop: (room: Room) => void
}

/** See the head of this file. */
export class Room extends RoomMembers implements JoinedRoom {
  readonly key: RoomKey
  readonly encoder: RoomEncoder
  lock: Lock | undefined = undefined
  readonly #parts: RoomParts

  constructor(key: RoomKey, encoder: RoomEncoder, parts: RoomParts) {
    super()
    this.key = key
    this.encoder = encoder
    this.#parts = parts
  }

  /** The topic of room events: the key itself, so that no room keeps another string for it. */
  get topic(): string {
    return this.key
  }

  /** Whether a message can be sent to this peer. */
  isMember(peer: unknown): peer is PeerId {
    if (this.here.has(peer as PeerId)) return true
    const member = this.members.get(peer as PeerId)
    return member !== undefined && member.node !== this.#parts.node
  }

  /** They were in it before this process began; see readmission.ts. */
  readmit(memberships: readonly Membership[]): void {
    for (const membership of memberships) {
      this.here.add(membership)
      membership.begin(this.#parts.clock)
    }
  }

  /** It is a member no more: the client hears nothing of the room from here on. @returns whether it was in */
  release(membership: Membership): boolean {
    if (!membership.isIn) return false
    const { counters, observer, tracer } = this.#parts
    this.here.delete(membership.peer)
    membership.end()
    membership.holder.unsubscribe(this.topic)
    counters.leaves++
    tracer?.happened(this.key, membership.peer, "left")
    observer.left?.(membership.peer, this.key, this.#parts.clock.unixMs() - membership.joinedAt)
    return true
  }

  /** The store has taken over a status, by the command `rev`. */
  setStatus(membership: Membership, rev: number, status: StatusText): void {
    if (rev < membership.statusRev) return
    membership.status = status
    membership.statusRev = rev
  }

  /** Sends a frame to all members of this node. */
  publish(text: string): void {
    this.#publish(text, undefined)
  }

  #publish(text: string, notFor: Membership | undefined): void {
    const isLeftOut = notFor !== undefined && this.here.get(notFor.peer) === notFor
    const receivers = this.here.size - (isLeftOut ? 1 : 0)
    this.#parts.counters.bytesSent += text.length * receivers
    for (const membership of this.here.values()) if (membership !== notFor) membership.log?.push(text)
    if (!this.#parts.topics.publish(this.topic, text)) return
    for (const { holder } of [...this.here.values()]) holder.onPressure()
  }

  /** Sends a frame to one of them. */
  sendTo({ holder, log }: Membership, text: string): void {
    log?.push(text)
    this.#parts.counters.bytesSent += text.length
    if (this.#parts.topics.publish(holder.topic, text)) holder.onPressure()
  }

  protected get clock(): Clock {
    return this.#parts.clock
  }

  protected isHere({ node, peer, generation }: Member): boolean {
    if (node !== this.#parts.node) return false
    const membership = this.here.get(peer)
    if (membership !== undefined) return membership.generation === generation
    const joiner = this.joiners.get(peer)
    return joiner?.isAnswered === true && joiner.membership.generation === generation
  }

  protected show(change: Change): void {
    switch (change.kind) {
      case "joined":
        this.#showJoined(change.member)
        this.#keepOwner()
        break
      case "left":
        if (change.isReplaced) this.#endReplaced(this.here.get(change.peer))
        this.#tell(this.encoder.left(change.peer))
        break
      case "moved":
        this.#showMoved(change.member, change.isLogged)
        this.#keepOwner()
        if (change.hasNewStatus) this.#tell(this.encoder.status(change.member.peer, change.member.status))
        break
      case "frame":
        this.lock = change.lock ?? this.lock
        this.#showFrame(change.text, change.to === "others" ? this.here.get(change.peer) : undefined)
        break
      case "status": {
        // Where the answer to a status change was lost, this is how its membership learns what became of it.
        const membership = this.here.get(change.peer)
        if (membership !== undefined) this.setStatus(membership, change.rev, change.status)
        this.#tell(this.encoder.status(change.peer, change.status))
      }
    }
  }

  protected deliver({ to, text }: Relay): void {
    const target = this.here.get(to)
    if (target !== undefined) this.sendTo(target, text)
    else if (to === EVERYONE) this.publish(text)
    else this.onDropped()
  }

  protected onDropped(): void {
    this.#parts.counters.relaysDropped++
  }

  protected repair(): void {
    this.#parts.counters.gapsRepaired++
    this.#parts.tracer?.happened(this.key, undefined, "gap")
    this.#parts.repair(this)
  }

  protected reclaim(): void {
    this.#parts.counters.reclaims++
    this.#parts.tracer?.happened(this.key, undefined, "reclaimed")
    this.#parts.reclaim(this)
  }

  protected isHeard(): boolean {
    return this.here.size > 0
  }

  protected partFromReplaced(): void {
    for (const { isAnswered, membership, mark, onJoined } of [...this.joiners.values()]) {
      const { peer, generation, holder } = membership
      const isIn = this.members.get(peer)?.generation === generation
      if (!isAnswered || isIn || !hasLater({ peer, generation, mark }, this.members.values())) continue
      this.#parts.counters.replaced++
      this.removeJoiner(membership)
      onJoined()
      if (holder.isOpen) holder.onReplaced(membership)
    }
  }

  protected hasLostJoiner(): boolean {
    for (const { isAnswered, membership } of this.joiners.values()) {
      if (isAnswered && this.members.get(membership.peer)?.generation !== membership.generation) return true
    }
    return false
  }

  /** A newcomer of this node is told first that it is in, and only then what comes after. */
  #showJoined(member: Member): void {
    const { peer, generation } = member
    const joiner = member.node === this.#parts.node ? this.joiners.get(peer) : undefined
    const isOurs = joiner?.membership.generation === generation
    if (isOurs) this.#admit(joiner)
    const text = this.encoder.joined(member)
    if (text !== undefined) this.#publish(text, isOurs ? joiner.membership : undefined)
    if (!isOurs) {
      // A command that was given up has arrived after all: the log must not keep who is not here.
      if (member.node === this.#parts.node) this.reclaim()
      return
    }
    const { membership } = joiner
    membership.holder.subscribe(this.topic)
    if (!membership.isIn) return
    this.#parts.counters.joins++
    this.#parts.tracer?.happened(this.key, peer, "joined")
    this.#parts.observer.joined?.(peer, this.key)
  }

  /** The peer is the same to all others: only who holds it changes. */
  #showMoved(member: Member, isLogged: boolean): void {
    const { peer, node, generation, status } = member
    const isElsewhere = node !== this.#parts.node
    const before = this.here.get(peer)
    // Two nodes may give the same generation in the same millisecond.
    if (before !== undefined && (isElsewhere || before.generation !== generation)) {
      this.here.delete(peer)
      before.end()
      before.holder.unsubscribe(this.topic)
      before.holder.onTakenOver(before, member, isLogged)
    }
    if (isElsewhere) this.#parts.drop(this)
    if (isElsewhere || this.here.has(peer)) return
    const joiner = this.joiners.get(peer)
    if (joiner?.membership.generation === generation) {
      joiner.membership.status = status
      this.#admit(joiner)
      joiner.membership.holder.subscribe(this.topic)
      this.#parts.tracer?.happened(this.key, peer, "resumed", "from another connection")
    } else this.reclaim()
  }

  /** Another of the same identity is in its place. */
  #endReplaced(membership: Membership | undefined): void {
    if (membership === undefined || !this.release(membership)) return
    this.#parts.counters.replaced++
    membership.holder.onReplaced(membership)
    this.#parts.drop(this)
  }

  #admit({ membership, ref, onJoined }: Joiner): void {
    this.removeJoiner(membership)
    onJoined()
    // Closed meanwhile: whoever waits for the join takes it out again.
    if (!membership.holder.isOpen) return
    this.here.add(membership)
    membership.begin(this.#parts.clock)
    membership.holder.onJoined(membership, ref)
  }

  /** Where there may be one member only: parts from those of this node that are not the one. */
  #keepOwner(): void {
    if (this.encoder.ownerOf === undefined || this.members.size < 2) return
    const owner = this.encoder.ownerOf([...this.members.values()])
    for (const membership of [...this.here.values()]) {
      if (membership.peer !== owner.peer) membership.holder.onTakenOver(membership, owner, true)
    }
  }

  /** Between two subscriptions the sender hears what is said before and after the frame, each at its place. */
  #showFrame(text: string, except: Membership | undefined): void {
    except?.holder.unsubscribe(this.topic)
    this.#publish(text, except)
    except?.holder.subscribe(this.topic)
  }

  #tell(text: string | undefined): void {
    if (text !== undefined) this.publish(text)
  }
}
