// A simulated client of a dialect whose clients are known by their address: its connection, and how that ends. What it
// says and what it may hear is its dialect's part.

import type { Connection } from "../../../src/connections/connection.ts"
import { connectPlain } from "../../helpers/plain-node.ts"
import type { Guest, SimulatedNode, World } from "../simulated-node.ts"

/** A broken guarantee. */
export class Violation extends Error {}

/** 2 s: a socket that the server closed may be seen closed as late as that. */
const LATE_CLOSE_MS = 2_000

/** See the head of this file. */
export abstract class SimulatedGuest implements Guest {
  readonly name: string
  readonly node: SimulatedNode
  /** Whether nothing is sent or heard any more; the server may believe otherwise for a while. */
  isClosed = false
  /** When it closed, by the world's clock; undefined while it is open, and when its node crashed. */
  closedAt: number | undefined
  readonly since: number
  protected readonly world: World
  readonly #connection: Connection
  readonly #drop: () => void

  constructor(name: string, node: SimulatedNode, world: World, path: string) {
    this.name = name
    this.node = node
    this.world = world
    this.since = world.time.now
    world.trace(`${name} connects to ${path}`)
    node.guests.add(this)
    const { connection, drop } = connectPlain(
      node.plain,
      { onText: (text) => this.#onText(text), onClose: (code, reason) => this.#onServerClose(code, reason) },
      `ws://${node.name}${path}`,
    )
    this.#connection = connection
    this.#drop = drop
  }

  /** A text from the server. @throws Violation when it may not come */
  protected abstract hear(text: string): void

  /** The server closed the connection. @throws Violation when it may not */
  protected abstract onClose(code: number, reason: string): void

  /** The random id of its connection. */
  get peer(): string {
    return this.#connection.id
  }

  /** Whether faults excuse that it was not shown something. */
  get isDisturbed(): boolean {
    return this.node.isDisturbed || this.node.isStopping || this.node.isDead
  }

  send(text: string): void {
    this.world.trace(`${this.name} > ${text}`)
    this.#connection.onMessage(text)
  }

  /** It goes, and its node hears of it. */
  close(): void {
    if (this.isClosed) return
    this.world.trace(`${this.name} closes`)
    this.#end()
    this.#connection.onClose(1000)
  }

  vanish(): void {
    this.isClosed = true
    this.#drop()
  }

  /** Judges something of which the server's side tells. */
  protected judge(look: () => void): void {
    try {
      look()
    } catch (cause) {
      this.world.report(`${this.name}: ${cause instanceof Violation ? cause.message : (cause as Error).stack}`)
    }
  }

  #onText(text: string): void {
    if (this.isClosed) return
    this.world.trace(`  ${this.name} < ${text}`)
    this.judge(() => this.hear(text))
  }

  #onServerClose(code: number, reason: string): void {
    if (this.isClosed) return
    this.world.trace(`  ${this.name} is closed: ${code} ${reason}`)
    this.judge(() => this.onClose(code, reason))
    this.#end()
    const { time, random } = this.world
    const lateMs = random.chance(0.5) ? 0 : random.next() * LATE_CLOSE_MS
    time.after(lateMs, () => this.node.deliver(() => this.#connection.onClose(code)))
  }

  #end(): void {
    this.isClosed = true
    this.closedAt = this.world.time.now
    this.#drop()
  }
}
