// The room as the client knows it: the wish to be in it, who else is, and what has changed when the server tells it
// anew. No socket, no events; signaling-client.ts asks and tells.
import type { SignalingError } from "./requests.ts"
import type { IceServer, Status, WirePeer } from "./wire.ts"

/** The room as it was at the moment of joining. */
export interface JoinedRoom {
  ownId: string
  /** Everybody else who is there, by peer id. */
  peers: ReadonlyMap<string, Status>
  iceServers: IceServer[]
  /** True when we were in it before and could not resume: the own id is new, and so are the connections to the peers. */
  again: boolean
}

// 16 own ids: the server forgets a lost connection after a minute, and nobody reconnects more often within one.
const MAX_FORMER_IDS = 16

/** A room that the page wants to be in. */
export class WantedRoom {
  readonly id: string
  /** The own status, as the page wants it. */
  status: Status
  /** The own status, as the server was last heard to have it. */
  toldStatus: Status = {}
  /** Settled by the first join; later ones, after a reconnect, are told to listeners only. */
  readonly joined: Promise<JoinedRoom>
  wasJoined = false
  /** The `ref` of the join under way: the answer to an older one is not ours any more. */
  joinRef: string | undefined
  refusals = 0
  /** Answers the first join; afterwards it does nothing. */
  resolve: (room: JoinedRoom) => void = () => undefined
  /** Refuses the first join; afterwards it does nothing. */
  reject: (error: SignalingError) => void = () => undefined
  /** The own ids of lost memberships, newest first. The server may still count them as peers. */
  #formerIds: string[] = []

  constructor(id: string, status: Status) {
    this.id = id
    this.status = { ...status }
    this.joined = new Promise((resolve, reject) => {
      this.resolve = resolve
      this.reject = reject
    })
  }

  /** What to join with: the status, and who we were. */
  get joinStatus(): Status {
    const [previous] = this.#formerIds
    return previous === undefined ? this.status : { ...this.status, previous_id: previous }
  }

  /** Merges as the server does: a key given as null is removed. */
  merge(change: Record<string, unknown>): void {
    const merged = Object.entries({ ...this.status, ...change }).filter(([, value]) => value !== null)
    this.status = Object.fromEntries(merged)
  }

  /** The change that makes of `status` what the page wants; undefined when it is that already. */
  changeFrom(status: Status): Record<string, unknown> | undefined {
    const changed = Object.entries(this.status).filter(([key, value]) => !isSame(value, status[key]))
    const removed = Object.keys(status).filter((key) => !(key in this.status) && key !== "previous_id")
    if (changed.length + removed.length === 0) return undefined
    return { ...Object.fromEntries(changed), ...Object.fromEntries(removed.map((key) => [key, null])) }
  }

  /** Notes the id of a membership that begins. */
  enter(ownId: string): void {
    this.#formerIds = [ownId, ...this.#formerIds].slice(0, MAX_FORMER_IDS)
    this.refusals = 0
    this.wasJoined = true
  }

  /** The peers of a list; our own ghosts are nobody to talk to. */
  othersOf(list: readonly WirePeer[]): Map<string, Status> {
    const others = list.filter(({ peer_id }) => !this.#formerIds.includes(peer_id))
    return new Map(others.map(({ peer_id, status }) => [peer_id, status]))
  }
}

/** Who is new in `now`, and whose status is another, against `before`. */
export function compare(before: ReadonlyMap<string, Status>, now: ReadonlyMap<string, Status>) {
  const entries = [...now]
  return {
    left: [...before.keys()].filter((id) => !now.has(id)),
    came: entries.filter(([id]) => !before.has(id)),
    changed: entries.filter(([id, status]) => before.has(id) && !isSame(status, before.get(id))),
  }
}

function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}
