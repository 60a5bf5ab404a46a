// One client of the one-node runs, whatever it is connected by: what it does, what it may hear of it, and its view of the
// room, judged event by event.

import fc from "fast-check"
import { BAD_TEXTS } from "../helpers/bad-frames.ts"
import type { WireEvent } from "../helpers/client.ts"
import { ClientView } from "../helpers/client-view.ts"

/** What a client may do. */
export type Act =
  | { readonly kind: "join"; readonly room: number; readonly value: number }
  | { readonly kind: "leave" }
  | { readonly kind: "status"; readonly value: number }
  | { readonly kind: "relay"; readonly to: number; readonly hasRef: boolean }
  | { readonly kind: "bad"; readonly which: number }
  | { readonly kind: "reconnect" }

/** Texts that are refused wherever the client stands. */
const ALWAYS_BAD = BAD_TEXTS.filter(
  ({ id, text }) => text.length < 1_000 && /^(invalid_message|no_|unknown_e)/.test(id),
)

/** Room ids of a run, so few that clients meet. */
export const ROOMS = ["room 0", "room 1", "room 2"]

/** Any act; the more interesting ones more often. */
export function anyAct(clients: number): fc.Arbitrary<Act> {
  const value = fc.nat(9)
  return fc.oneof(
    { weight: 4, arbitrary: fc.record({ kind: fc.constant("join" as const), room: fc.nat(ROOMS.length - 1), value }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("leave" as const) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("status" as const), value }) },
    {
      weight: 5,
      arbitrary: fc.record({ kind: fc.constant("relay" as const), to: fc.nat(clients - 1), hasRef: fc.boolean() }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("bad" as const), which: fc.nat(ALWAYS_BAD.length - 1) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("reconnect" as const) }) },
  )
}

/** See the head of this file. */
export class Actor {
  readonly view = new ClientView()
  /** Messages sent by target, and those of them refused. */
  readonly sentTo = new Map<string, number>()
  refused = 0
  /** Bad texts sent, and answers to them. */
  bad = 0
  answeredBad = 0
  /** The room it is in, as its own events tell. */
  room: string | undefined
  /** Room of each of the view's stays. */
  readonly stayRooms: string[] = []
  #number = 0
  readonly #send: (message: object | string) => void
  readonly #idOf: (client: number) => string

  /**
   * @param send puts a message on the wire
   * @param idOf the peer id of another client of the run
   */
  constructor(send: (message: object | string) => void, idOf: (client: number) => string) {
    this.#send = send
    this.#idOf = idOf
  }

  /** Does anything but reconnect. */
  do(act: Exclude<Act, { kind: "reconnect" }>): void {
    switch (act.kind) {
      case "join": {
        const room = ROOMS[act.room] as string
        this.#send({ event: "join_room", room_id: room, status: { value: act.value }, ref: `join ${room}` })
        return
      }
      case "leave":
        // Leaving has no answer; the one to what is sent behind it tells that it has happened.
        this.#send({ event: "leave_room" })
        this.#send({ event: "ping", ref: "left" })
        return
      case "status":
        this.#send({ event: "update_status", status: { value: act.value }, ref: "status" })
        return
      case "relay": {
        const data = { event: "message", number: ++this.#number }
        const ref = act.hasRef ? { ref: "relay" } : {}
        const target = this.#idOf(act.to)
        this.sentTo.set(target, (this.sentTo.get(target) ?? 0) + 1)
        this.#send({ event: "send_to_peer", peer_id: target, data, ...ref })
        return
      }
      case "bad":
        this.bad++
        this.#send(ALWAYS_BAD[act.which]?.text ?? "")
    }
  }

  /** Hears an event. @throws when it breaks a guarantee */
  hear(event: WireEvent): void {
    if (event["ref"] === "left") {
      this.view.leave()
      this.room = undefined
      return
    }
    this.view.see(event)
    if (event.event === "joined_room") {
      this.room = String(event["ref"]).slice("join ".length)
      this.stayRooms.push(this.room)
    } else if (event.event === "error") this.#refused(event)
  }

  /** Messages sent, to whomever, or only to those of whom `isMeant` holds. */
  sent(isMeant: (target: string) => boolean = () => true): number {
    return [...this.sentTo].reduce((sum, [target, count]) => sum + (isMeant(target) ? count : 0), 0)
  }

  #refused({ id, ref }: WireEvent): void {
    if (id === "unknown_peer" || (id === "not_in_room" && ref !== "status")) this.refused++
    else if (id === "not_in_room" || id === "room_full" || id === "already_joined") return
    else if (ALWAYS_BAD.some((bad) => bad.id === id)) this.answeredBad++
    else throw new Error(`broken: nothing sent may be answered with ${id}`)
  }
}

/** Messages everybody heard from `peer`: each list of numbers must rise, for none may come twice or late. */
export function heardFrom(peer: string, actors: readonly Actor[]): number {
  let count = 0
  for (const { view } of actors) {
    let last = 0
    for (const stay of view.stays) {
      for (const number of (stay.heard.get(peer) ?? []) as number[]) {
        if (number <= last) throw new Error(`broken: message ${number} of ${peer} came behind ${last}`)
        last = number
        count++
      }
    }
  }
  return count
}

/** Each stay must have seen a piece of its room's log, without a gap, from its own join on. */
export function expectStaysInLog(
  peer: string,
  { view, stayRooms, room }: Actor,
  logs: ReadonlyMap<string, string[]>,
): void {
  const joins = new Map<string, number>()
  for (const [index, stay] of view.stays.entries()) {
    const name = stayRooms[index] as string
    const log = logs.get(name) ?? []
    const own = log.indexOf(
      log.slice(joins.get(name) ?? 0).find((change) => change.startsWith(`+${peer}`)) ?? "",
      joins.get(name),
    )
    if (own < 0) throw new Error(`broken: the log of ${name} knows no join of ${peer}`)
    joins.set(name, own + 1)
    const seen = log.slice(own + 1, own + 1 + stay.changes.length)
    if (JSON.stringify(seen) !== JSON.stringify(stay.changes)) {
      throw new Error(`broken: ${peer} has seen ${JSON.stringify(stay.changes)}, the room ${JSON.stringify(seen)}`)
    }
    const isLast = index === view.stays.length - 1 && room !== undefined
    if (isLast && own + 1 + stay.changes.length !== log.length) throw new Error(`broken: ${peer} has not seen the end`)
  }
}
