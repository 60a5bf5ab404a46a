// How a node stops: in order, and in time whatever hangs. A step that takes longer than is left is not waited for: what
// it leaves behind, the other nodes sweep when the lease has ended.

import { SYSTEM_CLOCK } from "../clock.ts"
import { CLOSE } from "../connections/close.ts"
import type { Connection } from "../connections/connection.ts"
import type { Connections } from "../connections/connections.ts"
import type { Conversation } from "../dialects/conversation.ts"
import { makeEnded } from "../dialects/ended.ts"
import type { Log } from "../log.ts"
import type { Rooms } from "../rooms/rooms.ts"
import { Slices } from "../slices.ts"

/** 1.5 s for all steps behind the announced wait: with Redis hung, the end comes within 2 s of it. */
const GENTLE_MS = 1_500

/** 0.7 s when somebody insists: the process is gone within a second. */
const AT_ONCE_MS = 700

/**
 * 5 s for clients to come back at other nodes and get what is kept for them here: theirs tries again within a second, and
 * those that cannot reach another node by then come too late for more than their place in the room.
 */
const LINGER_MS = 5_000

/** 20 ms between two looks whether anybody is left: it is a sum of a few numbers. */
const LOOK_MS = 20

/** Half of it for leaving the rooms, so that something is left for the rest. */
const LEAVE_PART = 0.5

/** 10 s for what the next process needs: 64 MiB took up to 3 s on two cores with forty processes waiting for them. */
const KEEP_MS = 10_000

/** What is stopped. */
export interface ShutdownParts {
  readonly connections: Connections
  readonly rooms: Rooms
  readonly log: Log
  /** Seconds between the announcement and the end. */
  readonly seconds: number
  /** Whether members whose clients may come back, at another node or to the next process, stay members. */
  readonly keepsHeld: boolean
  /** Memberships that are held for other nodes to take them over, or on their way there. */
  readonly awaited: () => number
  /** Keeps them for the next process, where that is how they stay. */
  readonly keepState: (() => Promise<void>) | undefined
  /** New connections are refused, readiness is red. */
  refuseNew(): void
  /** The listeners and plug-ins, in this order, once no client is connected. */
  readonly last: readonly (() => Promise<unknown> | undefined)[]
}

/** See the head of this file. */
export class Shutdown {
  readonly #parts: ShutdownParts
  #stopped: Promise<void> | undefined
  #isAtOnce = false
  #endWait: () => void = () => {}
  /** Monotonic milliseconds; no step is waited for past it. */
  #deadline = Number.POSITIVE_INFINITY
  #onDeadlineMoved: () => void = () => {}

  constructor(parts: ShutdownParts) {
    this.#parts = parts
  }

  /** Announces the end, waits, then stops. A call of `atOnce` meanwhile ends the wait. */
  async gently(seconds = this.#parts.seconds): Promise<void> {
    const { connections } = this.#parts
    this.#parts.refuseNew()
    const announce = ({ receiver }: Connection): void => (receiver as Conversation).announceShutdown?.(seconds)
    await new Promise<void>((resolve) => new Slices(SYSTEM_CLOCK).each(connections.open.values(), announce, resolve))
    await new Promise<void>((resolve) => {
      this.#endWait = resolve
      setTimeout(resolve, this.#isAtOnce || connections.open.size === 0 ? 0 : seconds * 1000)
    })
    await this.#stopWithin(GENTLE_MS)
  }

  /** Closes all connections, leaves all rooms, gives everything up. */
  async atOnce(): Promise<void> {
    this.#isAtOnce = true
    this.#endWait()
    await this.#stopWithin(AT_ONCE_MS)
  }

  #stopWithin(ms: number): Promise<void> {
    this.#deadline = Math.min(this.#deadline, performance.now() + ms)
    this.#onDeadlineMoved()
    this.#stopped ??= this.#stop()
    return this.#stopped
  }

  async #stop(): Promise<void> {
    const { connections, rooms, keepsHeld, keepState, last } = this.#parts
    this.#parts.refuseNew()
    this.#closeAll()
    connections.liveness.stop()
    await this.#inTime("leaving the rooms", rooms.leaveAll(keepsHeld), LEAVE_PART)
    await this.#linger()
    const keepsMembers = keepsHeld && rooms.hasHeld
    if (keepsMembers && keepState !== undefined) {
      if (!this.#isAtOnce) this.#deadline += KEEP_MS
      await this.#inTime("keeping the state", keepState())
    }
    await this.#inTime("closing the store", rooms.close(this.#leftMs, keepsMembers))
    for (const step of last) await this.#inTime("stopping", Promise.resolve(step()))
  }

  /** Until all who were held here have been taken over by other nodes, with what is kept for them. */
  async #linger(): Promise<void> {
    const { awaited } = this.#parts
    const until = performance.now() + LINGER_MS
    while (awaited() > 0 && !this.#isAtOnce && performance.now() < until) await Bun.sleep(LOOK_MS)
    if (!this.#isAtOnce) this.#deadline = performance.now() + GENTLE_MS
  }

  /** Nobody hears the others go: all are deaf to their rooms before the first of them leaves one. */
  #closeAll(): void {
    const all = [...this.#parts.connections.open.values()]
    for (const connection of all) {
      const conversation = connection.receiver as Conversation
      conversation.hold?.()
      connection.receiver = makeEnded(connection)
    }
    for (const connection of all) connection.close(CLOSE.goingAway)
  }

  get #leftMs(): number {
    return Math.max(0, this.#deadline - performance.now())
  }

  /** Waits for a step, at most `part` of the time that is left. */
  async #inTime(name: string, step: Promise<unknown>, part = 1): Promise<void> {
    let timer: Timer | undefined
    const tooLate = new Promise<"late">((resolve) => {
      const arm = () => {
        clearTimeout(timer)
        timer = setTimeout(() => resolve("late"), this.#leftMs * part)
      }
      this.#onDeadlineMoved = arm
      arm()
    })
    const outcome = await Promise.race([step.catch((cause: unknown) => ({ cause })), tooLate])
    clearTimeout(timer)
    this.#onDeadlineMoved = () => {}
    if (outcome === "late") this.#parts.log.warn({ step: name }, "the end did not wait for it")
    else if (typeof outcome === "object" && outcome !== null && "cause" in outcome)
      this.#parts.log.error({ err: outcome.cause, step: name }, "a step of the end failed")
  }
}
