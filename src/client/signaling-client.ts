// The browser's side of a room: join it, hear of its peers, speak to them, and be in it again after the connection
// broke. Owns the wish to be in a room and the list of peers; connection.ts below it owns the socket.
import { retryDelay } from "./backoff.ts"
import {
  type Address,
  Connection,
  type ConnectionState,
  DEFAULT_TIMING,
  INVALID_ADDRESS,
  type Timing,
} from "./connection.ts"
import { Emitter } from "./emitter.ts"
import { Requests, SignalingError } from "./requests.ts"
import type { Answer, IceServer, PeerMessage, ServerEvent, Status } from "./wire.ts"

/** The room as it was at the moment of joining. */
export interface JoinedRoom {
  ownId: string
  /** Everybody else who is there, by peer id. */
  peers: ReadonlyMap<string, Status>
  iceServers: IceServer[]
  /** True after a reconnect: the own id is new, and the connections to the peers are to be made anew. */
  again: boolean
}

/** What listeners hear. The names are those of the wire. */
export interface SignalingEvents {
  state: ConnectionState
  joined_room: JoinedRoom
  new_peer: { peerId: string; status: Status }
  /** `whileAway`: noticed at a re-join. Perhaps this peer lost its connection, too, and is about to come back. */
  peer_left: { peerId: string; whileAway: boolean }
  peer_updated_status: { peerId: string; status: Status }
  /** A message that a peer sent with `send`. */
  relayed: { peerId: string; message: PeerMessage & { sender_id: string } }
  /** An error of the server that answers none of the requests: to a `send`, for example. */
  error: SignalingError
  /** The server goes away in so many seconds. The connection comes back by itself. */
  shutdown: { seconds: number }
}

/** Errors after which joining again may work; on any other the client stops trying. A full room may be full of our own ghost. */
const PASSING_ERRORS = new Set(["unavailable", "rate_limited", "room_full", "internal"])

// 16 own ids: the server forgets a lost connection after a minute, and nobody reconnects more often within one.
const MAX_FORMER_IDS = 16

interface WantedRoom {
  id: string
  status: Status
  /** The first join answers the caller of `join`; later ones, after a reconnect, only the listeners. */
  first: { resolve(room: JoinedRoom): void; reject(error: SignalingError): void } | undefined
  /** The `ref` of the join under way: the answer to an older one is not ours any more. */
  joinRef: string | undefined
  refusals: number
  /** The own ids of lost connections, newest first. The server may still count them as peers. */
  formerIds: string[]
}

export class SignalingClient extends Emitter<SignalingEvents> {
  readonly #connection: Connection
  readonly #requests: Requests
  readonly #timing: Timing
  #room: WantedRoom | undefined
  #ownId: string | undefined
  // Kept through a reconnect, so that the difference can be told.
  #peers = new Map<string, Status>()
  #inRoom = false
  #rejoinTimer: ReturnType<typeof setTimeout> | undefined

  constructor(address: Address, timing: Partial<Timing> = {}) {
    super()
    this.#timing = { ...DEFAULT_TIMING, ...timing }
    this.#connection = new Connection(address, this.#timing, {
      onState: (state) => this.#onState(state),
      onMessage: (message) => this.#onMessage(message),
    })
    this.#requests = new Requests((message) => this.#connection.send(message), this.#timing.requestMs)
  }

  get state(): ConnectionState {
    return this.#connection.state
  }

  /** The own peer id; undefined outside a room. It changes with every reconnect. */
  get ownId(): string | undefined {
    return this.#inRoom ? this.#ownId : undefined
  }

  get peers(): ReadonlyMap<string, Status> {
    return this.#peers
  }

  connect(): void {
    this.#connection.open()
  }

  /** Connects if needed, and joins. From then on the client comes back into this room until `leave` or `close`. */
  join(roomId: string, status: Status = {}): Promise<JoinedRoom> {
    if (this.#room !== undefined) return Promise.reject(new SignalingError("already_joined", "leave the room first"))
    return new Promise((resolve, reject) => {
      // Three time-outs of a request: time for two attempts to connect, and the join.
      const timer = setTimeout(
        () => this.#quit(new SignalingError("timeout", "the server did not answer")),
        this.#timing.requestMs * 3,
      )
      const first: WantedRoom["first"] = {
        resolve(room) {
          clearTimeout(timer)
          resolve(room)
        },
        reject(error) {
          clearTimeout(timer)
          reject(error)
        },
      }
      this.#room = { id: roomId, status: { ...status }, first, joinRef: undefined, refusals: 0, formerIds: [] }
      if (this.state.name === "open") void this.#sendJoin(this.#room)
      else this.connect()
    })
  }

  /** Leaves the room and stays connected. Does nothing outside a room. */
  leave(): void {
    this.#quit(new SignalingError("left", "left the room before it was joined"))
  }

  /** Leaves and closes the connection for good. */
  close(): void {
    this.leave()
    this.#connection.close()
  }

  /**
   * Sends to a peer through the server. False when it could not go out; it is not kept for later, because after a
   * reconnect the peers know us by another id and start their connections to us anew.
   */
  send(peerId: string, message: PeerMessage): boolean {
    return this.#inRoom && this.#connection.send({ event: "send_to_peer", peer_id: peerId, data: message })
  }

  /** Merges into the own status; a key given as null is removed. While disconnected it goes along with the re-join. */
  updateStatus(change: Record<string, unknown>): void {
    const room = this.#room
    if (room === undefined) return
    const merged = Object.entries({ ...room.status, ...change }).filter(([, value]) => value !== null)
    room.status = Object.fromEntries(merged)
    // Sent behind a join that is under way, too: the server keeps the order.
    this.#connection.send({ event: "update_status", status: change })
  }

  /** What the server says about itself. */
  async info(): Promise<Extract<Answer, { event: "info" }>> {
    const answer = await this.#requests.send({ event: "info", ref: this.#requests.makeRef() })
    if (answer.event !== "info") throw new SignalingError("internal", "the server answered something else")
    return answer
  }

  /** The time to the server and back, in milliseconds. */
  async ping(): Promise<number> {
    const start = performance.now()
    await this.#requests.send({ event: "ping", ref: this.#requests.makeRef() })
    return performance.now() - start
  }

  /** Call it when the network or the tab came back: see `Connection.wake`. */
  wake(): void {
    this.#connection.wake()
  }

  async #sendJoin(room: WantedRoom): Promise<void> {
    const ref = this.#requests.makeRef()
    room.joinRef = ref
    const [previous] = room.formerIds
    const status = previous === undefined ? room.status : { ...room.status, previous_id: previous }
    try {
      // The answer itself is taken in by #onMessage, before any event behind it.
      await this.#requests.send({ event: "join_room", room_id: room.id, status, ref })
    } catch (error) {
      if (room === this.#room && error instanceof SignalingError) this.#onJoinRefused(room, error)
    }
  }

  #onJoinRefused(room: WantedRoom, error: SignalingError): void {
    if (error.id === "connection_lost") return // Joins again as soon as the connection is back.
    if (error.id === "timeout") {
      this.#connection.restart()
      return
    }
    if (room.first !== undefined || !PASSING_ERRORS.has(error.id)) {
      const again = room.first === undefined
      this.#giveUp(error)
      if (again) this.#connection.close(error.message)
      return
    }
    this.#rejoinTimer = setTimeout(() => this.#sendJoin(room), retryDelay(room.refusals++, this.#timing.retry))
  }

  /** Tells the server too: a join may be under way that would land later. */
  #quit(error: SignalingError): void {
    if (this.#room === undefined) return
    this.#connection.send({ event: "leave_room" })
    this.#giveUp(error)
  }

  #giveUp(error: SignalingError): void {
    const room = this.#room
    this.#room = undefined
    this.#inRoom = false
    this.#ownId = undefined
    this.#peers = new Map()
    clearTimeout(this.#rejoinTimer)
    room?.first?.reject(error)
  }

  #onState(state: ConnectionState): void {
    if (state.name !== "open") {
      this.#inRoom = false
      clearTimeout(this.#rejoinTimer)
      this.#requests.rejectAll(new SignalingError("connection_lost", "the connection was lost"))
    }
    if (state.name === "closed") {
      const id = state.code === INVALID_ADDRESS ? "invalid_address" : "closed"
      this.#giveUp(new SignalingError(id, state.reason || `closed with ${state.code}`))
    }
    if (state.name === "open" && this.#room !== undefined) void this.#sendJoin(this.#room)
    // Told last: a listener may close, leave or join another room.
    this.emit("state", state)
  }

  #onMessage(message: ServerEvent): void {
    switch (message.event) {
      case "joined_room":
        if (this.#requests.answer(message) && message.ref === this.#room?.joinRef) this.#onJoined(message)
        return
      case "error": {
        const error = new SignalingError(message.id, message.message)
        if (!this.#requests.refuse(message.ref, error)) this.emit("error", error)
        return
      }
      case "info":
      case "pong":
        this.#requests.answer(message)
        return
      case "shutdown":
        this.emit("shutdown", { seconds: message.seconds })
        return
      default:
        // The rest speaks of the room; the last words of one we left are not heard.
        if (this.#inRoom) this.#onRoomEvent(message)
    }
  }

  #onJoined(message: Extract<ServerEvent, { event: "joined_room" }>): void {
    const room = this.#room
    if (room === undefined) return
    const again = room.first === undefined
    const before = this.#peers
    this.#ownId = message.own_id
    // Our own ghost is nobody to talk to.
    const others = message.peers.filter(({ peer_id }) => !room.formerIds.includes(peer_id))
    this.#peers = new Map(others.map(({ peer_id, status }) => [peer_id, status]))
    this.#inRoom = true
    room.refusals = 0
    room.formerIds = [message.own_id, ...room.formerIds].slice(0, MAX_FORMER_IDS)
    for (const peerId of before.keys()) {
      if (!this.#peers.has(peerId)) this.emit("peer_left", { peerId, whileAway: true })
    }
    // Those who came meanwhile are told as peers of joined_room, not by new_peer: we are the newcomer now, and who
    // begins the offer depends on that.
    const joined: JoinedRoom = {
      ownId: message.own_id,
      peers: new Map(this.#peers),
      iceServers: message.ice_servers ?? [],
      again,
    }
    this.emit("joined_room", joined)
    const first = room.first
    room.first = undefined
    first?.resolve(joined)
  }

  #onRoomEvent(message: ServerEvent): void {
    switch (message.event) {
      case "new_peer":
        this.#peers.set(message.peer_id, message.status)
        this.emit("new_peer", { peerId: message.peer_id, status: message.status })
        return
      case "peer_left":
        if (this.#peers.delete(message.sender_id))
          this.emit("peer_left", { peerId: message.sender_id, whileAway: false })
        return
      case "peer_updated_status":
        if (this.#peers.has(message.sender_id)) this.#peers.set(message.sender_id, message.status)
        this.emit("peer_updated_status", { peerId: message.sender_id, status: message.status })
        return
      case "offer":
      case "answer":
      case "ice_candidate":
      case "message":
        this.emit("relayed", { peerId: message.sender_id, message })
    }
  }
}
