// A connection of one node to the bus: commands and their replies down one ordered stream, the node's channel down
// another, and a network that can be told what to do to both.

import type { NodeId } from "../../src/rooms/ids.ts"
import type { Bus, ChannelMessage } from "./bus.ts"
import type { VirtualTime } from "./virtual-time.ts"

/** What lies between a node and the bus. */
export interface Network {
  /** Whether a connection can be made. */
  isUp(): boolean
  /** Milliseconds a command takes on its way, or a reply. */
  commandMs(): number
  /** Milliseconds a message on the channel takes. */
  channelMs(): number
  /** Whether this message on the channel is lost in silence. */
  isLost(message: ChannelMessage): boolean
  /** When a command that was on its way as the connection broke arrives all the same; undefined: it never does. */
  lateMs(): number | undefined
  /** Hands something to the process, which takes it when it runs. */
  deliver(run: () => void): void
}

/** The connection broke before a command was answered: whether it happened is unknown. */
export class ConnectionLost extends Error {}

interface InFlight {
  hasArrived: boolean
  readonly execute: () => void
  readonly reject: (cause: unknown) => void
}

/** See the head of this file. */
export class BusConnection {
  isAlive = true
  /** Resolves when the process learns that the connection is lost. */
  readonly lost: Promise<void>
  readonly #node: NodeId
  readonly #bus: Bus
  readonly #time: VirtualTime
  readonly #network: Network
  readonly #inFlight = new Set<InFlight>()
  #onLost: () => void = () => {}
  /** When the last thing sent arrives: nothing overtakes it. */
  #commandsAt = 0
  #repliesAt = 0
  #channelAt = 0

  constructor(
    node: NodeId,
    bus: Bus,
    time: VirtualTime,
    network: Network,
    onMessage: (message: ChannelMessage) => void,
  ) {
    this.#node = node
    this.#bus = bus
    this.#time = time
    this.#network = network
    this.lost = new Promise((resolve) => {
      this.#onLost = resolve
    })
    bus.channels.set(node, (message) => {
      if (network.isLost(message)) return
      this.#channelAt = Math.max(this.#channelAt, time.now + network.channelMs())
      this.#deliverAt(this.#channelAt, () => onMessage(message))
    })
  }

  /** Has one command executed at the bus: its reply, or ConnectionLost. */
  send<Reply>(execute: () => Reply): Promise<Reply> {
    return new Promise((resolve, reject) => {
      if (!this.isAlive) return reject(new ConnectionLost())
      const entry: InFlight = { hasArrived: false, execute, reject }
      this.#inFlight.add(entry)
      this.#commandsAt = Math.max(this.#commandsAt, this.#time.now + this.#network.commandMs())
      this.#time.after(this.#commandsAt - this.#time.now, () => {
        if (!this.isAlive) return
        entry.hasArrived = true
        const reply = execute()
        this.#repliesAt = Math.max(this.#repliesAt, this.#time.now + this.#network.commandMs())
        this.#deliverAt(this.#repliesAt, () => {
          this.#inFlight.delete(entry)
          resolve(reply)
        })
      })
    })
  }

  /** Breaks: what is on its way is lost, or comes late. */
  cut(): void {
    if (!this.isAlive) return
    this.isAlive = false
    this.#bus.channels.delete(this.#node)
    const { birth } = this.#bus
    for (const { hasArrived, execute } of this.#inFlight) {
      const lateMs = hasArrived ? undefined : this.#network.lateMs()
      // What is on its way to a server that goes ends with it.
      if (lateMs !== undefined) this.#time.after(lateMs, () => birth === this.#bus.birth && execute())
    }
    this.#network.deliver(() => {
      this.#onLost()
      for (const { reject } of this.#inFlight) reject(new ConnectionLost())
    })
  }

  #deliverAt(at: number, run: () => void): void {
    this.#time.after(at - this.#time.now, () => this.#network.deliver(() => this.isAlive && run()))
  }
}
