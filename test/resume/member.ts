// A client that can come back, byte by byte: it counts and keeps what the protocol asks for ("Coming back as oneself"), and
// its network breaks when a test says so. No client of ours, so that what the server does is seen as it is.

import { type Frame, OPCODE, RawSocket, textFrame } from "../helpers/raw-socket.ts"

/** One event as it came over the wire. */
export type Event = { event: string } & Record<string, unknown>

/** How the server held to its word when a member came back. */
export interface Resumed extends Event {
  received: number
  complete: boolean
}

/** See the head of this file. */
export class Member implements Disposable {
  id = ""
  token = ""
  /** Frames of the server, counted from the join on, and those of its own, kept until the server has them. */
  received = 0
  sent = 0
  kept: string[] = []
  /** Every frame that counted, in order. */
  readonly heard: Event[] = []
  socket: RawSocket
  readonly #ports: () => number

  private constructor(socket: RawSocket, port: () => number) {
    this.socket = socket
    this.#ports = port
  }

  /** Connects, and joins. */
  static async join(
    port: number | (() => number),
    room = "room",
    status: object = {},
    more: object = {},
  ): Promise<Member> {
    const ports = typeof port === "number" ? () => port : port
    const member = new Member(await RawSocket.open(ports()), ports)
    member.say({ event: "join_room", room_id: room, status, resume: true, ...more })
    const joined = await member.next("joined_room")
    member.id = joined["own_id"] as string
    member.token = (joined["resume"] as { token: string }).token
    return member
  }

  /** Sends a frame that counts, and keeps it. */
  say(event: object): void {
    const text = JSON.stringify(event)
    this.sent++
    this.kept.push(text)
    this.socket.write(textFrame(text))
  }

  /** Relays a message to another. */
  tell(to: Member, text: unknown): void {
    this.say({ event: "send_to_peer", peer_id: to.id, data: { event: "message", text } })
  }

  /** The next event that counts, or the next one of that name. */
  async next(name?: string): Promise<Event> {
    for (;;) {
      const event = this.#count(await this.socket.nextFrame())
      if (event !== undefined && (name === undefined || event.event === name)) return event
    }
  }

  /** What came and was not waited for, up to the answer to a ping sent now: proves silence. */
  async drain(): Promise<Event[]> {
    const ref = `drain ${this.sent}`
    const events: Event[] = []
    this.say({ event: "ping", ref, received: this.received })
    for (;;) {
      const event = await this.next()
      if (event.event === "pong" && event["ref"] === ref) {
        this.#acknowledge(event["received"] as number)
        return events
      }
      events.push(event)
    }
  }

  /** Ends the connection without a close frame; what has come by then counts, unless it is lost, too. */
  cut({ loses = false } = {}): void {
    if (!loses) this.takeAll()
    this.socket[Symbol.dispose]()
  }

  /** Begins to send a frame, which counts; the connection ends in the midst of it. */
  cutWithin(event: object, bytes: number): void {
    const text = JSON.stringify(event)
    this.sent++
    this.kept.push(text)
    const whole = textFrame(text)
    this.socket.write(whole.subarray(0, Math.min(bytes, whole.length - 1)))
    this.socket.halfClose()
  }

  /** Counts all that has come by now. */
  takeAll(): void {
    for (const frame of this.socket.takeFrames()) this.#count(frame)
  }

  /** Comes back on another connection: sends again what the server lacks. The answer may be an error. */
  async resume(port: number = this.#ports()): Promise<Resumed> {
    this.socket = await RawSocket.open(port)
    this.ask()
    return await this.answered()
  }

  /** Asks to be resumed on the connection that there is. */
  ask(fields: object = {}): void {
    this.socket.write(textFrame({ event: "resume", token: this.token, received: this.received, ...fields }))
  }

  /** The answer to the same request on yet another connection, which stays open. */
  async rival(port: number): Promise<Event> {
    const socket = await RawSocket.open(port)
    socket.write(textFrame({ event: "resume", token: this.token, received: this.received }))
    return (await socket.nextEvent()) as Event
  }

  /** What the server answers; and what follows from it. */
  async answered(): Promise<Resumed> {
    const answer = (await this.socket.nextEvent()) as Resumed
    if (answer.event !== "resumed") return answer
    this.token = (answer["resume"] as { token: string }).token
    if (answer.complete) {
      this.#acknowledge(answer.received)
      for (const text of this.kept) this.socket.write(textFrame(text))
    } else {
      this.received = this.sent = 0
      this.kept = []
    }
    return answer
  }

  /** The texts that `from` relayed, in the order in which they came. */
  heardFrom(from: Member): unknown[] {
    return this.heard
      .filter((event) => event["sender_id"] === from.id && event.event === "message")
      .map(({ text }) => text as unknown)
  }

  [Symbol.dispose](): void {
    this.socket[Symbol.dispose]()
  }

  #count({ opcode, payload }: Frame): Event | undefined {
    if (opcode !== OPCODE.text) return undefined
    const event = JSON.parse(payload.toString()) as Event
    this.received++
    this.heard.push(event)
    return event
  }

  #acknowledge(received: number): void {
    while (this.kept.length > 0 && this.sent - this.kept.length < received) this.kept.shift()
  }
}

/** An error as the server sends it. */
export function errorOf(id: string, message: string): object {
  return { event: "error", id, message, description: message }
}
