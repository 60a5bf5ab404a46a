// Rooms of four, one after the other, many at a time: four browsers connect, join, see each other, leave and go.
// One operation is one browser's whole visit. Latency is from `join_room` to `joined_room`.

import { type Address, type Connection, connect, type FrameHandler } from "./connection.ts"
import type { Tally } from "./counted-stream.ts"
import { DIALECTS } from "./dialects.ts"
import { type LoadRequest, type LoadResult, makeTally, measureTurns } from "./measure.ts"

const MEMBERS = 4

/** One room's life: told of every frame, it checks that everyone hears of everyone exactly once. */
class Visit implements FrameHandler {
  readonly #tally: Tally
  readonly #joinedAt = new Map<Connection, number>()
  /** What each has heard of: own id, then peers' ids. */
  readonly #seen = new Map<Connection, Set<string>>()
  #complete = 0
  readonly #onWhole: () => void

  constructor(tally: Tally, onWhole: () => void) {
    this.#tally = tally
    this.#onWhole = onWhole
  }

  join(connection: Connection, room: string): void {
    this.#seen.set(connection, new Set())
    this.#joinedAt.set(connection, Bun.nanoseconds())
    connection.send({ event: "join_room", room_id: room, status: { name: "Ada Lovelace", user_agent: "chrome" } })
  }

  onFrame(connection: Connection, bytes: Buffer, start: number, length: number): void {
    const message = JSON.parse(bytes.toString("utf8", start, start + length))
    const seen = this.#seen.get(connection)
    if (!seen) return
    if (message.event === "joined_room") {
      this.#tally.latency.add(Bun.nanoseconds() - (this.#joinedAt.get(connection) ?? 0))
      this.#meet(seen, message.own_id)
      for (const peer of message.peers) this.#meet(seen, peer.peer_id)
    } else if (message.event === "new_peer") {
      this.#meet(seen, message.peer_id)
    } else {
      this.#complain(JSON.stringify(message))
    }
  }

  onChunkEnd(): void {}

  onClose(): void {
    this.#complain("the server closed the connection")
  }

  #meet(seen: Set<string>, id: string): void {
    if (seen.has(id)) this.#complain(`${id} was announced twice`)
    seen.add(id)
    if (seen.size === MEMBERS && ++this.#complete === MEMBERS) this.#onWhole()
  }

  #complain(what: string): void {
    this.#tally.wrong++
    this.#tally.firstWrong ||= what.slice(0, 300)
  }
}

/** Ignores what still comes while everyone leaves. */
const leaving: FrameHandler = { onFrame() {}, onChunkEnd() {}, onClose() {} }

/** A room of connections that enter and close again, where nobody is told of the others: the forwarder's is the limit of this scenario. */
async function visitUnseen({ dialect, addresses }: LoadRequest, turn: number, tally: Tally): Promise<void> {
  const room = crypto.randomUUID()
  const opening = Array.from({ length: MEMBERS }, (_, index) => {
    return DIALECTS[dialect].enter(addresses[(turn + index) % addresses.length] as Address, room)
  })
  for (const connection of await Promise.all(opening)) {
    connection.handler = leaving
    connection.close()
  }
  tally.completed += MEMBERS
}

async function visitRoom({ addresses }: LoadRequest, turn: number, tally: Tally): Promise<void> {
  const room = crypto.randomUUID()
  const whole = Promise.withResolvers<void>()
  const visit = new Visit(tally, whole.resolve)
  const connections = await Promise.all(
    Array.from({ length: MEMBERS }, (_, index) => {
      const address = addresses[(turn + index) % addresses.length] as Address
      return connect(address, address.path ?? "/", visit)
    }),
  )
  for (const connection of connections) visit.join(connection, room)
  await whole.promise
  for (const connection of connections) {
    connection.handler = leaving
    connection.send({ event: "leave_room" })
    connection.close()
  }
  tally.completed += MEMBERS
}

/** Runs the join storm: `rooms` rooms at a time. */
export function joinStorm(request: LoadRequest): Promise<LoadResult> {
  const tally = makeTally()
  const visitOnce = request.dialect === "palava" ? visitRoom : visitUnseen
  let turn = 0
  return measureTurns(request, tally, "stuck rooms", () => visitOnce(request, turn++, tally))
}
