// A page of a run: the client package as it ships, over wires that break, and a judge of each frame that it takes. What the
// frames say, what the package makes of them and what memberships may become is all held against each other.

import { SignalingClient, type SignalingError } from "../../../src/client/index.ts"
import { BROKEN } from "../../../src/connections/close.ts"
import type { RoomEvent } from "../../../src/rooms/room-store.ts"
import { ClientView } from "../../helpers/client-view.ts"
import type { SimulatedNode } from "../simulated-node.ts"
import { PageSocket, type PageWire } from "./page.ts"
import type { Stay, Stays } from "./stays.ts"
import { type Break, Wire, type WireClient, type WireWorld } from "./wire.ts"

/** All in ms, a tenth of the package's own: a run of the same length sees more connections given up. */
const TIMING = {
  connectMs: 1_000,
  pingEveryMs: 2_000,
  pongWithinMs: 1_000,
  requestMs: 3_000,
  retry: { firstMs: 30, longestMs: 1_000 },
}

/** Errors that a page of a run may meet: who went while it was spoken to, and what came of faults. */
const EXPECTED_ERRORS = new Set(["unknown_peer", "peer_unreachable", "unavailable", "not_in_room"])

/** What a ghost says (see simulation.ts), which nobody may ever hear. */
export const GHOST = -1

/** What a page needs of the world around it. */
export interface ClientWorld extends WireWorld {
  readonly stays: Stays
  /** A room's log, from when all was last quiet. */
  logOf(room: string): readonly RoomEvent[]
  /** Whether a fault excuses what would be wrong without it. */
  readonly isDisturbed: boolean
  /** Whether more is sent at once than logs keep. */
  readonly hasFloods: boolean
  trace(line: string): void
  report(what: string): void
}

type Frame = { event: string } & Record<string, unknown>

/** See the head of this file. */
export class ResumingClient {
  readonly name: string
  readonly signaling: SignalingClient
  /** The room it wants to be in. */
  room: string | undefined
  stay: Stay | undefined
  /** What the frames say of the room it is in. */
  view: ClientView | undefined
  /** Where in the room's log the changes of its view begin; undefined where that cannot be known. */
  logBegins: number | undefined
  wire: Wire | undefined
  #wires = 0
  #isFirstFrame = true
  readonly #world: ClientWorld

  /** @param address where to connect to, asked at each attempt */
  constructor(name: string, address: () => string, world: ClientWorld) {
    this.name = name
    this.#world = world
    this.signaling = new SignalingClient(address, TIMING)
    this.signaling.on("state", ({ name }) => this.#onState(name))
    this.signaling.on("relayed", ({ peerId, message }) => {
      if (message.event === "message") this.#onMessage(peerId, message["number"] as number, message["to"] as string)
    })
    this.signaling.on("resumed", ({ complete }) => {
      if (!complete && this.stay !== undefined) this.stay.lostOutAt = world.time.now
    })
    this.signaling.on("error", (error) => this.#onError(error))
  }

  join(room: string, v: number): void {
    this.room = room
    this.#world.trace(`${this.name} joins ${room}`)
    this.signaling.join(room, { v }).catch((error: SignalingError) => {
      this.#world.trace(`${this.name}: the join failed: ${error.message}`)
      if (this.room === room) this.room = undefined
    })
  }

  leave(): void {
    this.#world.trace(`${this.name} leaves`)
    this.#end()
    this.room = undefined
    this.signaling.leave()
  }

  close(): void {
    this.#world.trace(`${this.name} closes`)
    this.#end()
    this.room = undefined
    this.signaling.close()
  }

  /** Its machine is gone from one moment to the next. */
  vanish(): void {
    this.#world.trace(`${this.name} vanishes`)
    this.wire?.clientEnded()
    if (this.stay !== undefined) this.stay.awayAt ??= this.#world.time.now
    this.stay = this.view = this.room = undefined
    this.signaling.close()
  }

  /** Sends a message to another. */
  relay(to: ResumingClient, number: number): void {
    const { stay } = this
    const target = to.stay
    if (stay === undefined || target === undefined || !this.signaling.peers.has(target.peer)) return
    const isTaken = this.signaling.send(target.peer, { event: "message", number, to: target.peer })
    if (isTaken) this.#world.stays.send(number, stay, target)
  }

  /** All is quiet: the room's log begins anew. */
  beginLog(): void {
    this.view?.stays.at(-1)?.changes.splice(0)
    this.logBegins = this.room === undefined ? undefined : this.#world.logOf(this.room).length
  }

  /** The network breaks. */
  break(manner: Break): void {
    this.#world.trace(`the network of ${this.name} breaks: ${manner}`)
    this.wire?.break(manner)
  }

  /** The package opens a connection to a node. */
  dial(node: SimulatedNode, socket: PageSocket): PageWire {
    const name = `${this.name}/${++this.#wires}`
    this.#world.trace(`${name} to ${node.name}`)
    this.#isFirstFrame = true
    this.stay?.nodes.add(node)
    const end: WireClient = {
      onOpen: () => {
        socket.readyState = PageSocket.OPEN
        socket.onopen?.()
      },
      onText: (text) => {
        if (socket.onmessage === null) return
        this.#world.trace(`  ${name} < ${text}`)
        socket.onmessage({ data: text })
        this.#judge(JSON.parse(text) as Frame)
      },
      onClose: (code) => {
        this.#world.trace(`${name} ends with ${code}`)
        socket.readyState = PageSocket.CLOSED
        socket.onclose?.({ code, reason: "" })
      },
      onBroken: () => {
        if (this.wire === wire && this.stay !== undefined) this.stay.awayAt ??= this.#world.time.now
      },
    }
    const wire: Wire = new Wire(name, node, this.#world, end)
    this.wire = wire
    return {
      send: (text) => {
        this.#world.trace(`${name} > ${text}`)
        wire.send(text)
      },
      close: () => wire.close(),
    }
  }

  /** The membership is over, as far as this client is concerned. */
  #end(): void {
    if (this.stay !== undefined) this.stay.isOver = true
    this.stay = this.view = undefined
  }

  #onState(state: string): void {
    if (state !== "open" && this.stay !== undefined) this.stay.awayAt ??= this.#world.time.now
    if (state === "closed") this.room = undefined
    this.#endIfOut()
  }

  #endIfOut(): void {
    if (this.signaling.ownId === undefined || this.signaling.ownId !== this.stay?.peer) this.#end()
  }

  #judge(frame: Frame): void {
    try {
      this.#onFrame(frame)
    } catch (cause) {
      this.#world.report(`${this.name}: ${(cause as Error).message}`)
    }
  }

  #onFrame(frame: Frame): void {
    const isFirst = this.#isFirstFrame
    this.#isFirstFrame = false
    if (frame.event === "joined_room") {
      if (this.signaling.ownId === frame["own_id"]) this.#onJoined(frame)
      return
    }
    this.#endIfOut()
    const { stay, view } = this
    if (stay === undefined || view === undefined) return
    if (frame.event === "resumed") this.#onResumed(frame, stay)
    else if (isFirst && frame.event !== "shutdown" && frame.event !== "error")
      throw new Error(`${frame.event} before resumed`)
    else {
      if (JSON.stringify(frame).includes('"ghost"')) throw new Error("a ghost was heard")
      if (frame.event === "peer_left") this.#judgeLeft(frame["sender_id"] as string)
      view.see(frame)
    }
  }

  #onJoined(frame: Frame): void {
    const peer = frame["own_id"] as string
    const { stays } = this.#world
    const wire = this.wire as Wire
    this.stay = stays.begin(peer, this.name, wire.node)
    this.stay.awayAt = wire.brokenAt
    this.#beginView(frame)
    const log = this.room === undefined ? [] : this.#world.logOf(this.room)
    const at = log.findLastIndex((event) => event.kind === "joined" && event.member.peer === peer)
    this.logBegins = at < 0 ? undefined : at + 1
  }

  #onResumed(frame: Frame, stay: Stay): void {
    const wire = this.wire as Wire
    if (frame["own_id"] !== stay.peer) throw new Error("resumed as somebody else")
    stay.node = wire.node
    stay.awayAt = wire.brokenAt
    // What a node asked for before it was killed may still come to Redis.
    for (const node of stay.nodes) if (!node.isDead) stay.nodes.delete(node)
    stay.nodes.add(wire.node)
    if (frame["complete"] === true) {
      const isOursLost = stay.lostOutAt === this.#world.time.now && !this.#world.hasFloods
      if (isOursLost) throw new Error("the package kept too little")
      return
    }
    stay.lostInAt = stay.lostOutAt = this.#world.time.now
    const { v } = frame["status"] as { v: number }
    if (!this.#world.isDisturbed && v > (this.signaling.status["v"] as number)) throw new Error("a status never set")
    this.#beginView(frame)
  }

  /** The room anew, at whatever place of its log. */
  #beginView(frame: Frame): void {
    this.view = new ClientView()
    this.logBegins = undefined
    this.view.see({ ...frame, event: "joined_room" })
  }

  #judgeLeft(peer: string): void {
    const before = this.view?.stays.at(-1)?.changes.filter((change) => change === `-${peer}`).length ?? 0
    const why = this.#world.isDisturbed ? undefined : this.#world.stays.whyNotLeft(peer, before)
    if (why !== undefined) throw new Error(`told that ${peer} left, but ${why}`)
  }

  #onMessage(from: string, number: number, to: string): void {
    const { stay } = this
    if (stay === undefined || this.signaling.ownId !== stay.peer) return
    const heard = stay.heard.get(from) ?? []
    const last = heard.at(-1) ?? 0
    if (number === GHOST) this.#world.report(`${this.name} heard a ghost`)
    else if (to !== stay.peer) this.#world.report(`${this.name} got a message for ${to}`)
    else if (heard.includes(number)) this.#world.report(`${this.name} got ${number} of ${from} twice`)
    else if (number < last) this.#judgeLate(number, `${this.name}: message ${number} of ${from} after ${last}`)
    else {
      heard.push(number)
      stay.heard.set(from, heard)
    }
  }

  #judgeLate(number: number, what: string): void {
    if (!this.#world.stays.mayBeLate(number)) this.#world.report(what)
  }

  #onError({ id }: SignalingError): void {
    if (!EXPECTED_ERRORS.has(id)) this.#world.report(`${this.name}: error ${id}`)
    else if (id !== "unknown_peer" && this.stay !== undefined) this.stay.errors++
  }
}

/** A client of another's token: asks a node for the membership, and parts with it in one way or the other. */
export class Rival implements WireClient {
  readonly #wire: Wire
  readonly #request: string
  readonly #world: ClientWorld

  constructor(name: string, node: SimulatedNode, world: ClientWorld, request: string) {
    this.#request = request
    this.#world = world
    world.trace(`${name} to ${node.name}, with the same token`)
    this.#wire = new Wire(name, node, world, this)
  }

  onOpen(): void {
    this.#wire.send(this.#request)
  }

  onText(): void {
    const { time, random } = this.#world
    time.after(random.next() * 1_000, () => {
      if (random.chance(0.5)) this.#wire.close()
      else this.#wire.break("cut")
    })
  }

  onClose(code: number): void {
    this.#world.trace(`the rival ends with ${code === BROKEN ? "a break" : code}`)
  }

  onBroken(): void {}
}
