// The rooms in which this node has anybody, by their key.

import type { RoomEncoder } from "./encoder.ts"
import type { RoomKey } from "./ids.ts"
import type { Membership } from "./membership.ts"
import { numberAfter } from "./numbers.ts"
import { Room, type RoomParts } from "./room.ts"

/** See the head of this file. */
export class RoomRegistry {
  readonly #parts: RoomParts
  readonly #rooms = new Map<RoomKey, Room>()
  #lastNumber = 0

  constructor(parts: RoomParts) {
    this.#parts = parts
  }

  /** Rooms with anybody of this node in, on the way in, or on the way out. */
  get size(): number {
    return this.#rooms.size
  }

  /** All of them. */
  values(): IterableIterator<Room> {
    return this.#rooms.values()
  }

  /** A room, if this node has anybody in it. */
  get(key: RoomKey): Room | undefined {
    return this.#rooms.get(key)
  }

  /** The room of a membership, unless it has ended. */
  roomOf({ room }: Membership): Room | undefined {
    const known = this.#rooms.get(room.key)
    return known === room ? known : undefined
  }

  /** A room, made when there is none. A room speaks one dialect: its key tells which. */
  open(key: RoomKey, encoder: RoomEncoder): Room {
    let room = this.#rooms.get(key)
    if (room === undefined) {
      room = new Room(key, encoder, this.#parts)
      this.#rooms.set(key, room)
    }
    return room
  }

  /** Ends a room in which nobody of this node is left. */
  dropIfUnused(room: Room): void {
    if (room.isUsed || this.#rooms.get(room.key) !== room) return
    room.close()
    this.#rooms.delete(room.key)
  }

  /** For the next membership or command of this node. */
  nextNumber(): number {
    this.#lastNumber = numberAfter(this.#lastNumber, this.#parts.clock.unixMs())
    return this.#lastNumber
  }

  /** No number given from here on is this one or below it. */
  skipPast(number: number): void {
    this.#lastNumber = Math.max(this.#lastNumber, number)
  }

  /** Ends all of them. */
  close(): void {
    for (const room of this.#rooms.values()) room.close()
  }
}
