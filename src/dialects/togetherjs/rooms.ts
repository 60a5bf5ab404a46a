// The rooms of TogetherJS with members at this node, by the name their clients use: for /findroom and /load, which speak
// of rooms nobody asks by name. A room's members are counted over all nodes; a room with nobody here is not known.

import type { JoinedRoom, Membership } from "../../rooms/membership.ts"

/** See the head of this file. One entry for each room with a member here: bounded by the connections. */
export class TogetherRooms {
  readonly #byName = new Map<string, JoinedRoom>()

  add(name: string, { room }: Membership): void {
    this.#byName.set(name, room)
  }

  /** A member of this node has left. */
  remove(name: string, { room }: Membership): void {
    if (room.here.size === 0 && this.#byName.get(name) === room) this.#byName.delete(name)
  }

  /** Rooms, those with one member, and those with more. */
  count(): { all: number; single: number; active: number } {
    let single = 0
    for (const { members } of this.#byName.values()) if (members.size < 2) single++
    const all = this.#byName.size
    return { all, single, active: all - single }
  }

  /**
   * A room with the fewest members among those whose names begin so and that have fewer than `max`; by chance of several.
   * @param isKnown which of them may be told of
   */
  findEmptiest(beginning: string, max: number, isKnown: (name: string) => boolean): string | undefined {
    let fewest = max
    let names: string[] = []
    for (const [name, { members }] of this.#byName) {
      if (!name.startsWith(beginning) || members.size >= max || members.size > fewest) continue
      if (!isKnown(name)) continue
      if (members.size < fewest) names = []
      fewest = members.size
      names.push(name)
    }
    return names[Math.floor(Math.random() * names.length)]
  }
}
