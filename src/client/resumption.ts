// A connection whose membership outlives a break: takes the membership over with the next socket, and sends again what
// did not arrive. Owns the ticket and the frames under way (frame-log.ts); the sockets are connection.ts's, and what a room
// is, signaling-client.ts knows. docs/protocol.md, "Coming back as oneself".
import { type Address, Connection, type ConnectionState, type Timing } from "./connection.ts"
import { FrameLog } from "./frame-log.ts"
import { SignalingError } from "./requests.ts"
import { decodeServerEvent, type Resumed, type ResumeTicket, type ServerEvent } from "./wire.ts"

/** The close code of a server that has too much to do: the next attempt waits the longer for it. */
const BUSY = 1013

/** The close code, and the error before it, of a membership that a later join of the same identity has replaced. */
const REPLACED = 4510

/**
 * Where the membership stands. `joining`: asked for. `held`: the connection broke, and another one may take it over;
 * `resuming`: one has asked to.
 */
export type Standing = "out" | "joining" | "in" | "held" | "resuming"

/** What is told to the owner of the membership. */
export interface ResumptionListener {
  onState(state: ConnectionState): void
  /** Everything the server says but for what concerns only the resumption. */
  onEvent(event: ServerEvent): void
  /** The server takes a join: the connection is open, and no membership can be resumed. */
  onReady(): void
  /** Frames may be lost when it is not complete: ours when `resumed.complete`, else those of both sides. */
  onResumed(resumed: Resumed, complete: boolean): void
  /** The membership, if there was one, is gone, and no request under way will be answered. */
  onLost(): void
}

export class ResumableConnection {
  readonly #listener: ResumptionListener
  readonly #connection: Connection
  readonly #answerWithinMs: number
  #standing: Standing = "out"
  /** From the join on, as long as there is a ticket, or may be one. */
  #log: FrameLog | undefined
  #token: string | undefined
  /** Leaves the room for us that we left without a connection. */
  #farewell: string[] = []
  #isPongDue = false
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(address: Address, timing: Timing, listener: ResumptionListener) {
    this.#listener = listener
    this.#answerWithinMs = timing.requestMs
    this.#connection = new Connection(address, timing, {
      onState: (state) => this.#onState(state),
      onFrame: (text) => this.#onFrame(text),
      onPingDue: () => this.#sendPing(),
    })
  }

  get state(): ConnectionState {
    return this.#connection.state
  }

  get standing(): Standing {
    return this.#standing
  }

  open(): void {
    this.#connection.open()
  }

  wake(): void {
    this.#connection.wake()
  }

  restart(): void {
    this.#connection.restart()
  }

  /** The page goes, and may come back: the membership ends. */
  pause(): void {
    this.#end()
    this.#connection.pause()
  }

  close(reason?: string): void {
    this.#end()
    this.#connection.close(reason)
  }

  /** Sends, or keeps what is to be sent when the membership is resumed. False when neither can be. */
  send(message: object): boolean {
    const text = JSON.stringify(message)
    if (this.#standing === "held" || this.#standing === "resuming") {
      if (!this.#log?.hasRoomFor(text)) return false
    } else if (!this.#connection.send(text)) return false
    this.#log?.keep(text)
    this.#tellIfDue()
    return true
  }

  /** To be called before `join_room` is sent: it is the first frame that counts. */
  begin(): void {
    this.#log = new FrameLog()
    this.#standing = "joining"
  }

  /** We are in, and may resume with this ticket, if there is one. */
  enter(ticket: ResumeTicket | undefined): void {
    this.#standing = "in"
    // The frame that told it is the first of the server's, and answers our first.
    this.#log?.count("")
    this.#log?.acknowledge(1)
    this.#take(ticket)
  }

  /** The join was refused. */
  refuse(): void {
    this.#end()
  }

  /** Leaves the room: now, or as soon as there is a connection again. */
  leave(): void {
    const leave = JSON.stringify({ event: "leave_room" })
    if (this.#standing === "held") this.#farewell = [this.#resumeFrame(), leave]
    else this.#connection.send(leave)
    this.#end()
  }

  /** To be merged into any ping. */
  tell(): { received?: number } {
    return this.#token === undefined || this.#log === undefined ? {} : { received: this.#log.tell() }
  }

  #take(ticket: ResumeTicket | undefined): void {
    this.#token = ticket?.token
    if (this.#token === undefined) this.#log = undefined
    this.#connection.closeLapsed()
  }

  #end(): void {
    clearTimeout(this.#timer)
    this.#standing = "out"
    this.#token = this.#log = undefined
    // Where a join may still land that nobody waits for any more.
    this.#connection.closeLapsed()
  }

  /** Asks for a pong, which brings what the server has, and tells what has come here. */
  #sendPing(): void {
    this.#isPongDue = true
    this.send({ event: "ping", ...this.tell() })
  }

  #tellIfDue(): void {
    if (this.#standing === "in" && !this.#isPongDue && this.#log?.isTellDue) this.#sendPing()
  }

  #resumeFrame(): string {
    return JSON.stringify({ event: "resume", token: this.#token, received: this.#log?.tell() })
  }

  #onState(state: ConnectionState): void {
    if (state.name === "open") this.#onOpen()
    else this.#onBroken(state.name === "closed")
    this.#listener.onState(state)
  }

  #onOpen(): void {
    for (const frame of this.#farewell.splice(0)) this.#connection.send(frame)
    if (this.#token === undefined) {
      this.#listener.onReady()
      return
    }
    this.#standing = "resuming"
    this.#connection.send(this.#resumeFrame())
    this.#timer = setTimeout(() => this.#connection.restart(), this.#answerWithinMs)
  }

  #onBroken(forGood: boolean): void {
    clearTimeout(this.#timer)
    this.#isPongDue = false
    if (forGood) this.#farewell = []
    if (this.#token !== undefined && !forGood) {
      this.#standing = "held"
      return
    }
    this.#end()
    this.#listener.onLost()
  }

  #onFrame(text: string): void {
    if (this.#standing === "in") this.#log?.count(text)
    const event = decodeServerEvent(text)
    if (event !== undefined) this.#onEvent(event)
    this.#tellIfDue()
  }

  #onEvent(event: ServerEvent): void {
    if (event.event === "pong") {
      this.#log?.acknowledge(event.received ?? 0)
      // One with a ref answers somebody else's question.
      if (event.ref === undefined) this.#isPongDue = false
    }
    if (event.event === "resumed") {
      if (this.#standing === "resuming") this.#onResumed(event)
    } else if (event.event === "error" && event.id === "replaced") {
      // Not left to the close behind it: who missed that would join anew, and replace the other one.
      this.#connection.close(event.message, REPLACED)
    } else if (event.event === "error" && this.#standing === "resuming") {
      this.#onResumeRefused(new SignalingError(event.id, event.message))
    } else if (event.event !== "error" || event.id !== "resume_failed") {
      // That error, when it comes now, answers a farewell.
      this.#listener.onEvent(event)
    }
  }

  #onResumed(resumed: Resumed): void {
    const frames = resumed.complete ? this.#log?.after(resumed.received) : undefined
    clearTimeout(this.#timer)
    this.#standing = "in"
    if (!resumed.complete) this.#log = new FrameLog()
    else if (frames === undefined) this.#log?.skipTo(resumed.received)
    else this.#log?.acknowledge(resumed.received)
    this.#take(resumed.resume)
    for (const frame of frames ?? []) this.#connection.send(frame)
    this.#listener.onResumed(resumed, frames !== undefined)
  }

  #onResumeRefused(error: SignalingError): void {
    if (error.id === "unavailable" || error.id === "rate_limited") {
      this.#connection.restart(BUSY)
      return
    }
    this.#end()
    this.#listener.onLost()
    this.#listener.onReady()
  }
}
