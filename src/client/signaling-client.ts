// The browser's side of a room: join it, hear of its peers, speak to them, and be in it again after the connection broke.
// Owns the wish to be in a room and the list of peers; resumption.ts below it sees to it that nothing is lost.
import { retryDelay } from "./backoff.ts"
import { type Address, type ConnectionState, DEFAULT_TIMING, INVALID_ADDRESS, type Timing } from "./connection.ts"
import { Emitter } from "./emitter.ts"
import type { SignalingEvents } from "./events.ts"
import { type PeerMessage, writeMessage } from "./messages.ts"
import { followPage } from "./page.ts"
import { Requests, SignalingError } from "./requests.ts"
import { ResumableConnection } from "./resumption.ts"
import { compare, type JoinedRoom, WantedRoom } from "./room.ts"
import { onRoomEvent, tellChanges } from "./room-events.ts"
import { askFor, type ClientOptions, type Token } from "./token.ts"
import type { Answer, IceServer, Resumed, ServerEvent, Status } from "./wire.ts"

/** Errors after which trying again may work; on any other the client stops. The room may still have our own ghost. */
const PASSING_ERRORS = new Set(["unavailable", "rate_limited", "room_full", "identity_in_room", "internal", "no_token"])

export class SignalingClient extends Emitter<SignalingEvents> {
  readonly #connection: ResumableConnection
  readonly #requests: Requests
  readonly #timing: Timing
  readonly #token: Token | undefined
  readonly #unfollow: () => void
  #room: WantedRoom | undefined
  #ownId: string | undefined
  // Kept through a reconnect, so that the difference can be told.
  #peers = new Map<string, Status>()
  #iceServers: IceServer[] = []
  #rejoinTimer: ReturnType<typeof setTimeout> | undefined

  constructor(address: Address, { token, ...timing }: ClientOptions = {}) {
    super()
    this.#token = token
    this.#timing = { ...DEFAULT_TIMING, ...timing }
    this.#connection = new ResumableConnection(address, this.#timing, {
      onState: (state) => this.#onState(state),
      onEvent: (event) => this.#onEvent(event),
      onReady: () => this.#room !== undefined && void this.#sendJoin(this.#room),
      onResumed: (resumed, complete) => this.#onResumed(resumed, complete),
      onLost: () => this.#requests.rejectAll(new SignalingError("connection_lost", "the connection was lost")),
    })
    this.#requests = new Requests((message) => this.#connection.send(message), this.#timing.requestMs)
    // A closed tab is gone at once; one that comes back from the browser's cache joins anew.
    this.#unfollow = followPage({ onHide: () => this.#connection.pause(), onWake: () => this.wake() })
  }

  get state(): ConnectionState {
    return this.#connection.state
  }

  /** The own peer id; undefined outside a room. It stays through a resumption, and is a new one after `again`. */
  get ownId(): string | undefined {
    return this.#isIn ? this.#ownId : undefined
  }

  /** The own status, as it was last wanted; empty outside a room. */
  get status(): Status {
    return this.#room?.status ?? {}
  }

  get peers(): ReadonlyMap<string, Status> {
    return this.#peers
  }

  /** For new connections to peers; credentials in it may be fresher than those of `joined_room`. */
  get iceServers(): IceServer[] {
    return this.#iceServers
  }

  connect(): void {
    this.#connection.open()
  }

  /** Connects if needed, and joins. From then on the client comes back into this room until `leave` or `close`. */
  join(roomId: string, status: Status = {}): Promise<JoinedRoom> {
    if (this.#room !== undefined) return Promise.reject(new SignalingError("already_joined", "leave the room first"))
    const room = new WantedRoom(roomId, status)
    this.#room = room
    // Three time-outs of a request: time for two attempts to connect, and the join.
    const timer = setTimeout(
      () => room === this.#room && this.#quit(new SignalingError("timeout", "the server did not answer")),
      this.#timing.requestMs * 3,
    )
    if (this.state.name === "open") void this.#sendJoin(room)
    else this.connect()
    return room.joined.finally(() => clearTimeout(timer))
  }

  /** Leaves the room and stays connected. Does nothing outside a room. */
  leave(): void {
    this.#quit(new SignalingError("left", "left the room before it was joined"))
  }

  /** Leaves and closes the connection for good. */
  close(): void {
    this.leave()
    this.#connection.close()
    this.#unfollow()
  }

  /**
   * Sends to a peer through the server. While the connection is broken and may be resumed it is kept for then. False when
   * it can neither go out nor be kept.
   */
  send(peerId: string, message: PeerMessage): boolean {
    if (!this.#isIn) return false
    return this.#connection.send({ event: "send_to_peer", peer_id: peerId, data: writeMessage(message) })
  }

  /** Merges into the own status; a key given as null is removed. Without a connection it goes along when we are back. */
  updateStatus(change: Record<string, unknown>): void {
    this.#room?.merge(change)
    // Sent behind a join that is under way, too: the server keeps the order. Before one is, the join tells it.
    if (this.#room !== undefined && this.#connection.standing !== "out")
      this.#connection.send({ event: "update_status", status: change })
  }

  /**
   * Lets nobody new into the room, once it resolves; for who may, else it rejects with `unauthorized`. Who was in it comes
   * back as itself.
   */
  lock(): Promise<void> {
    return this.#setLock("lock_room")
  }

  /** Lets others in again. */
  unlock(): Promise<void> {
    return this.#setLock("unlock_room")
  }

  /** What the server says about itself; a member gets fresh `ice_servers`, which new connections then use. */
  async info(): Promise<Extract<Answer, { event: "info" }>> {
    const answer = await this.#requests.send({ event: "info", ref: this.#requests.makeRef() })
    if (answer.event !== "info") throw new SignalingError("internal", "the server answered something else")
    this.#iceServers = answer.ice_servers ?? this.#iceServers
    return answer
  }

  /** The time to the server and back, in milliseconds. */
  async ping(): Promise<number> {
    const start = performance.now()
    await this.#requests.send({ event: "ping", ref: this.#requests.makeRef(), ...this.#connection.tell() })
    return performance.now() - start
  }

  /** Retries at once, or asks whether the connection lives. In a page it is called by itself when network or tab are back. */
  wake(): void {
    this.#connection.wake()
  }

  /** Only a refusal names the request, so a ping of the same name follows: the server takes one message after the other. */
  async #setLock(event: string): Promise<void> {
    const ref = this.#requests.makeRef()
    const answer = this.#requests.send({ event, ref })
    this.#connection.send({ event: "ping", ref })
    await answer
  }

  /** As far as anybody knows: also while the connection is broken and may be resumed. */
  get #isIn(): boolean {
    const { standing } = this.#connection
    return standing !== "out" && standing !== "joining"
  }

  async #sendJoin(room: WantedRoom): Promise<void> {
    const ref = this.#requests.makeRef()
    room.joinRef = ref
    // False when it was left meanwhile; or the connection broke, and joins again by itself.
    const isWanted = () => room === this.#room && room.joinRef === ref && this.state.name === "open"
    let token = this.#token
    try {
      if (typeof token === "function") token = await askFor(token)
      if (!isWanted()) return
      room.toldStatus = room.joinStatus
      this.#connection.begin()
      // The answer itself is taken in by #onEvent, before any event behind it.
      const { id: room_id, joinStatus: status } = room
      await this.#requests.send({ event: "join_room", room_id, status, ref, resume: true, token })
    } catch (error) {
      if (room === this.#room && room.joinRef === ref && error instanceof SignalingError)
        this.#onJoinRefused(room, error)
    }
  }

  #onJoinRefused(room: WantedRoom, error: SignalingError): void {
    if (error.id === "connection_lost") return // Joins again as soon as the connection is back.
    if (error.id === "timeout") {
      this.#connection.restart()
      return
    }
    this.#connection.refuse()
    if (!room.wasJoined || !PASSING_ERRORS.has(error.id)) {
      this.#giveUp(error)
      if (room.wasJoined) this.#connection.close(error.message)
      return
    }
    this.#rejoinTimer = setTimeout(() => this.#sendJoin(room), retryDelay(room.refusals++, this.#timing.retry))
  }

  /** Tells the server too: a join may be under way that would land later, or a membership be held for us. */
  #quit(error: SignalingError): void {
    if (this.#room === undefined) return
    this.#connection.leave()
    this.#giveUp(error)
  }

  #giveUp(error: SignalingError): void {
    const room = this.#room
    this.#room = undefined
    this.#peers = new Map()
    clearTimeout(this.#rejoinTimer)
    room?.reject(error)
  }

  #onState(state: ConnectionState): void {
    if (state.name !== "open") clearTimeout(this.#rejoinTimer)
    if (state.name === "closed") {
      const id = state.code === INVALID_ADDRESS ? "invalid_address" : "closed"
      this.#giveUp(new SignalingError(id, state.reason || `closed with ${state.code}`))
    }
    // Told last: a listener may close, leave or join another room.
    this.emit("state", state)
  }

  #onEvent(message: ServerEvent): void {
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
        if (!this.#isIn) return
        if (message.event === "peer_updated_status" && message.sender_id === this.#ownId && this.#room !== undefined)
          this.#room.toldStatus = message.status
        onRoomEvent(this, this.#peers, message)
    }
  }

  #onJoined(message: Extract<ServerEvent, { event: "joined_room" }>): void {
    const room = this.#room
    if (room === undefined) return
    const again = room.wasJoined
    const before = this.#peers
    this.#ownId = message.own_id
    this.#peers = room.othersOf(message.peers)
    this.#iceServers = message.ice_servers ?? []
    this.#connection.enter(message.resume)
    room.enter(message.own_id)
    for (const peerId of compare(before, this.#peers).left) this.emit("peer_left", { peerId, whileAway: true })
    // Those who came meanwhile are told as peers of joined_room, not by new_peer: we are the newcomer now, and who
    // begins the offer depends on that.
    const joined = { ownId: message.own_id, peers: new Map(this.#peers), iceServers: this.#iceServers, again }
    this.emit("joined_room", joined)
    room.resolve(joined)
  }

  #onResumed(resumed: Resumed, complete: boolean): void {
    const room = this.#room
    if (room === undefined) return
    if (!resumed.complete) {
      room.toldStatus = resumed.status
      this.#requests.rejectAll(new SignalingError("connection_lost", "the answer was lost with the connection"))
    }
    if (!complete) this.#correctStatus(room)
    if (!resumed.complete) {
      const before = this.#peers
      this.#peers = room.othersOf(resumed.peers)
      tellChanges(this, before, this.#peers)
    }
    if (room === this.#room) this.emit("resumed", { complete })
  }

  #correctStatus(room: WantedRoom): void {
    const change = room.changeFrom(room.toldStatus)
    if (change !== undefined) this.#connection.send({ event: "update_status", status: change })
  }
}
