// What a client knows of its room from the events alone, and the judge of protocol.md, "Order": each event that breaks
// one of the guarantees is an error. Knows nothing of how the events came.

import type { WireEvent } from "./client.ts"

/** One stay in a room, as its events tell it. */
export interface Stay {
  /** The members at the moment of joining, without oneself: peer id to status as JSON text. */
  readonly met: ReadonlyMap<string, string>
  /** Joins, leaves and status changes that followed, in order. */
  readonly changes: string[]
  /** Messages by sender, in order. */
  readonly heard: Map<string, unknown[]>
}

/** What peers may say to each other. */
const RELAYED = new Set(["offer", "answer", "ice_candidate", "message"])

/** See the head of this file. */
export class ClientView {
  /** The own id, once told. */
  ownId = ""
  /** Other members now: peer id to status as JSON text. */
  readonly members = new Map<string, string>()
  /** The own status as last shown. */
  status: string | undefined
  readonly stays: Stay[] = []
  #isInside = false

  /** Takes the next event. @throws when it breaks a guarantee */
  see(event: WireEvent): void {
    const sender = event["sender_id"] as string
    const status = JSON.stringify(event["status"])
    if (event.event === "joined_room") this.#joined(event)
    else if (event.event === "new_peer") this.#came(event["peer_id"] as string, status)
    else if (event.event === "peer_left") this.#left(sender)
    else if (event.event === "peer_updated_status") this.#changed(sender, status)
    else if (RELAYED.has(event.event)) this.#heard(sender, event["number"])
    else check(sender === undefined, "what the server says has no sender", event)
  }

  /** The client has sent leave_room and heard the answer to what it sent behind it. */
  leave(): void {
    this.#isInside = false
    this.members.clear()
  }

  #joined(event: WireEvent): void {
    check(!this.#isInside, "joined_room comes once, and first", event)
    this.#isInside = true
    this.ownId = event["own_id"] as string
    this.members.clear()
    for (const { peer_id: peer, status } of event["peers"] as { peer_id: string; status: object }[]) {
      check(peer !== this.ownId && !this.members.has(peer), "joined_room names every other member once", event)
      this.members.set(peer, JSON.stringify(status))
    }
    this.stays.push({ met: new Map(this.members), changes: [], heard: new Map() })
  }

  #came(peer: string, status: string): void {
    const stay = this.#stay("new_peer")
    check(peer !== this.ownId && !this.members.has(peer), "new_peer names every newcomer once", peer)
    this.members.set(peer, status)
    stay.changes.push(`+${peer}${status}`)
  }

  #left(peer: string): void {
    const stay = this.#stay("peer_left")
    check(this.members.delete(peer), "peer_left names a member", peer)
    stay.changes.push(`-${peer}`)
  }

  #changed(peer: string, status: string): void {
    const stay = this.#stay("peer_updated_status")
    check(peer === this.ownId || this.members.has(peer), "peer_updated_status names a member", peer)
    if (peer === this.ownId) this.status = status
    else this.members.set(peer, status)
    stay.changes.push(`=${peer}${status}`)
  }

  #heard(peer: string, number: unknown): void {
    const stay = this.#stay("a message")
    check(peer === this.ownId || this.members.has(peer), "nothing comes from who is no member", peer)
    const heard = stay.heard.get(peer)
    if (heard === undefined) stay.heard.set(peer, [number])
    else heard.push(number)
  }

  #stay(what: string): Stay {
    const stay = this.stays.at(-1)
    check(this.#isInside && stay !== undefined, "nothing of a room comes before joined_room or after leaving", what)
    return stay as Stay
  }
}

function check(holds: boolean, guarantee: string, event: unknown): void {
  if (!holds) throw new Error(`broken: ${guarantee}: ${JSON.stringify(event)}`)
}
