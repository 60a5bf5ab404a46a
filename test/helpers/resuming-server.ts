// A server that speaks the protocol's words of joining and coming back as oneself (docs/protocol.md), to one client at a
// time, over real sockets. Its network can break between any two frames, its memory can be taken away, its log can be too
// short. What a real server relays, a test says here.

import type { Server, ServerWebSocket } from "bun"

type Frame = { event: string; ref?: string } & Record<string, unknown>

interface Held {
  token: string
  room: string
  status: Record<string, unknown>
  /** Frames that came from the client, from join_room on. */
  received: number
  /** Frames to the client, from joined_room on. */
  sent: number
  /** The frames it may not have, up to number `sent`. */
  log: string[]
}

interface Link {
  /** False from the moment the network breaks: nothing comes or goes, and neither side knows. */
  works: boolean
  /** The server itself closes it. */
  isEnding: boolean
}

type Socket = ServerWebSocket<Link>

export class ResumingServer implements Disposable {
  /** What every join and every incomplete resumption tells. */
  peers: { peer_id: string; status: Record<string, unknown> }[] = [{ peer_id: "bea", status: {} }]
  /** The own status that incomplete resumptions tell, in place of what came here. */
  ownStatus: Record<string, unknown> | undefined
  /** Answers resumptions with `complete: false`. */
  isLossy = false
  /** Answers the next requests to resume with this error. */
  refusal: string | undefined
  /** Whether joins get a ticket. */
  givesTickets = true
  /** Frames taken from clients, each one once, in order. */
  readonly taken: Frame[] = []
  readonly resumptions: { received: number; complete: boolean }[] = []
  /** The requests to resume, and what was answered. */
  readonly resumes: Frame[] = []
  readonly answers: Frame[] = []
  /** Codes of the close frames that clients sent. */
  readonly closes: number[] = []
  joins = 0
  #membership: Held | undefined
  /** The one that has the membership. */
  #socket: Socket | undefined
  readonly #sockets = new Set<Socket>()
  #tokens = 0
  #untilBreak = Number.POSITIVE_INFINITY
  #watchers = new Set<() => void>()
  readonly #server: Server<Link>

  constructor() {
    this.#server = Bun.serve<Link>({
      port: 0,
      hostname: "127.0.0.1",
      fetch: (request, server) =>
        server.upgrade(request, { data: { works: true, isEnding: false } })
          ? undefined
          : new Response(null, { status: 400 }),
      websocket: {
        message: (socket, text) => this.#onFrame(socket, String(text)),
        open: (socket) => void this.#sockets.add(socket),
        close: (socket, code) => {
          this.#sockets.delete(socket)
          // 1006 is a break; with any other code it was the client's close frame, which leaves. From a broken network it
          // comes late, but comes.
          if (!socket.data.isEnding && code !== 1006) {
            this.closes.push(code)
            if (socket === this.#socket) this.#membership = undefined
          }
          this.#changed()
        },
      },
    })
  }

  get url(): string {
    return `ws://127.0.0.1:${this.#server.port}/`
  }

  /** How many frames are kept for the client. */
  get kept(): number {
    return this.#membership?.log.length ?? 0
  }

  get isHeld(): boolean {
    return this.#membership !== undefined
  }

  /** A frame to the client, counted and kept; delivered if the network works. */
  say(event: object): void {
    const membership = this.#membership
    if (membership === undefined) throw new Error("nobody is in the room")
    const text = JSON.stringify(event)
    membership.sent++
    membership.log.push(text)
    this.#deliver(text)
  }

  /** Lets so many more frames pass, in either direction, then breaks the network. */
  breakAfter(frames: number): void {
    this.#untilBreak = frames
    if (frames === 0) this.breakNow()
  }

  /** The network is silent from here on; neither side is told. */
  breakNow(): void {
    this.#untilBreak = Number.POSITIVE_INFINITY
    for (const socket of this.#sockets) socket.data.works = false
    this.#changed()
  }

  get isBroken(): boolean {
    return this.#socket?.data.works === false
  }

  /** The client sees its connection end: without a close frame, or with this code. */
  end(code?: number): void {
    for (const socket of this.#sockets) endOne(socket, code)
  }

  /** As after a restart without any memory. */
  forget(): void {
    this.#membership = undefined
  }

  /** Waits until `holds`, looking whenever something came or changed here. */
  async until(holds: () => boolean): Promise<void> {
    while (!holds()) {
      await new Promise<void>((resolve) => this.#watchers.add(resolve))
    }
  }

  /** The frames of one event that were taken. */
  of(event: string): Frame[] {
    return this.taken.filter((frame) => frame.event === event)
  }

  [Symbol.dispose](): void {
    this.#server.stop(true)
  }

  #onFrame(socket: Socket, text: string): void {
    if (!socket.data.works) return
    const frame = JSON.parse(text) as Frame
    if (frame.event === "resume") this.#onResume(socket, frame)
    else if (frame.event === "join_room") this.#onJoin(socket, frame)
    else this.#onOther(socket, frame)
    this.#passed()
    this.#changed()
  }

  #onJoin(socket: Socket, frame: Frame): void {
    const { ref, room_id: room, status } = frame
    this.joins++
    this.taken.push(frame)
    this.#socket = socket
    const token = this.#makeToken()
    this.#membership = { token, room: String(room), status: { ...(status as object) }, received: 1, sent: 0, log: [] }
    const resume = this.givesTickets && frame["resume"] === true ? { resume: { token, seconds: 30 } } : {}
    this.say({ event: "joined_room", own_id: `own-${this.joins}`, peers: this.peers, ref, ...resume })
  }

  #onResume(socket: Socket, { token, received }: Frame): void {
    this.resumes.push({ event: "resume", token, received })
    const membership = this.#membership
    const told = Number(received)
    const isKnown = membership?.token === token && this.refusal === undefined
    if (membership === undefined || !isKnown || told > membership.sent) {
      const id = this.refusal ?? "resume_failed"
      this.#answer(socket, { event: "error", id, message: id, description: id })
      return
    }
    if (this.#socket !== undefined && this.#socket !== socket) endOne(this.#socket, 4509)
    this.#socket = socket
    membership.token = this.#makeToken()
    const complete = !this.isLossy
    this.resumptions.push({ received: told, complete })
    const answer = {
      event: "resumed",
      own_id: `own-${this.joins}`,
      received: membership.received,
      complete,
      resume: { token: membership.token, seconds: 30 },
    }
    if (!complete) {
      const status = this.ownStatus ?? membership.status
      this.#answer(socket, { ...answer, status, peers: this.peers })
      Object.assign(membership, { received: 0, sent: 0, log: [] })
      return
    }
    this.#answer(socket, answer)
    this.#acknowledge(membership, told)
    for (const text of [...membership.log]) this.#deliver(text)
  }

  #onOther(socket: Socket, frame: Frame): void {
    const membership = this.#membership
    if (socket !== this.#socket || membership === undefined) return
    membership.received++
    this.taken.push(frame)
    if (frame.event === "leave_room") this.#membership = undefined
    if (frame.event === "update_status") Object.assign(membership.status, frame["status"])
    if (frame.event !== "ping") return
    if (typeof frame["received"] === "number") this.#acknowledge(membership, frame["received"])
    this.say({ event: "pong", received: membership.received, ref: frame.ref })
  }

  /** What does not count. */
  #answer(socket: Socket, frame: Frame): void {
    this.answers.push(frame)
    socket.send(JSON.stringify(frame))
  }

  #acknowledge(membership: Held, received: number): void {
    while (membership.log.length > 0 && membership.sent - membership.log.length < received) membership.log.shift()
  }

  #deliver(text: string): void {
    if (this.#socket?.data.works !== true) return
    this.#socket.send(text)
    this.#passed()
  }

  #passed(): void {
    if (--this.#untilBreak === 0) this.breakNow()
  }

  #makeToken(): string {
    return `token-${++this.#tokens}`
  }

  #changed(): void {
    for (const watcher of this.#watchers) watcher()
    this.#watchers.clear()
  }
}

function endOne(socket: Socket, code: number | undefined): void {
  socket.data.isEnding = true
  if (code === undefined) socket.terminate()
  else socket.close(code)
}

/** What the server took of what the client said to Bea. */
export function saidTo(server: ResumingServer): unknown[] {
  return server.of("send_to_peer").map(({ data }) => (data as { data: unknown }).data)
}

/** A message of Bea's. */
export function relay(data: number): object {
  return { event: "message", data, sender_id: "bea" }
}
