// One node without a network: the real hub and sessions over plain objects, with a store that can be made to wait. What
// a client of it was sent, it has, in order.

import type { RoomKey } from "../../src/rooms/ids.ts"
import { MemoryRoomStore } from "../../src/rooms/memory-room-store.ts"
import type { RoomEvent, RoomListener, RoomStore } from "../../src/rooms/room-store.ts"
import { Clock } from "../../src/signaling/clock.ts"
import type { Hooks } from "../../src/signaling/hooks.ts"
import { Hub, type Limits } from "../../src/signaling/hub.ts"
import { Session } from "../../src/signaling/session.ts"
import type { WireEvent } from "./client.ts"
import { LocalTopics } from "./local-topics.ts"

const LIMITS: Limits = {
  roomSize: 50,
  ratePerSecond: 0,
  rateBurst: 1,
  pingSeconds: 25,
  deadSeconds: 50,
}

/** Time that stands still until a test moves it. */
class StillClock extends Clock {
  readonly #waiting = new Set<() => void>()

  override start(): void {}

  override after(_ms: number, call: () => void): () => void {
    this.#waiting.add(call)
    return () => this.#waiting.delete(call)
  }

  /** All that waited for its time has its time now. */
  pass(): void {
    const due = [...this.#waiting]
    this.#waiting.clear()
    for (const call of due) call()
  }
}

/** A client of a plain node. */
export class PlainClient {
  readonly session: Session
  /** Every event it was sent. */
  readonly all: WireEvent[] = []
  /** How the server closed it. */
  closed: { code: number; reason: string } | undefined
  pings = 0
  readonly #drop: () => void
  #taken = 0

  constructor(hub: Hub, topics: LocalTopics) {
    this.session = new Session(hub)
    const subscriber = {
      send: (text: string) => {
        this.all.push(JSON.parse(text))
      },
    }
    this.#drop = () => topics.drop(subscriber)
    this.session.onOpen({
      send: subscriber.send,
      close: (code, reason) => {
        this.closed = { code, reason }
        this.close()
      },
      ping: () => {
        this.pings++
      },
      subscribe: (topic) => topics.subscribe(topic, subscriber),
      unsubscribe: (topic) => topics.unsubscribe(topic, subscriber),
    })
  }

  get id(): string {
    return this.session.peer
  }

  send(message: object | string): void {
    this.session.onMessage(typeof message === "string" ? message : JSON.stringify(message))
  }

  /** What came since the last call. */
  take(): WireEvent[] {
    const events = this.all.slice(this.#taken)
    this.#taken = this.all.length
    return events
  }

  /** The connection ends. */
  close(): void {
    this.#drop()
    this.session.onClose()
  }
}

/** See the head of this file. */
export class PlainNode {
  readonly hub: Hub
  readonly topics = new LocalTopics()
  readonly clock = new StillClock()
  /** What the hub logged, at any level. */
  readonly logged: string[] = []

  constructor(store: RoomStore, limits: Partial<Limits> = {}, hooks: Hooks = {}) {
    const note = (_fields: object, message: string): void => {
      this.logged.push(message)
    }
    const log = { error: note, warn: note, info: note, debug: note }
    this.hub = new Hub({ store, topics: this.topics, hooks, limits: { ...LIMITS, ...limits }, log, clock: this.clock })
  }

  /** Starts it on `store`, or on one of its own. */
  static async start(store: RoomStore = new MemoryRoomStore(), limits?: Partial<Limits>): Promise<PlainNode> {
    const node = new PlainNode(store, limits)
    await node.hub.start()
    return node
  }

  connect(): PlainClient {
    return new PlainClient(this.hub, this.topics)
  }
}

/** Whether a held store's events or answers go on. */
export type Way = "events" | "answers"

/**
 * A store whose events and answers come when a test lets them, over two ways, as from Redis: neither order between the
 * two can be assumed. The commands themselves are carried out at once.
 */
export class HeldStore extends MemoryRoomStore {
  /** An error to answer the next command with, after it was carried out. */
  failure: Error | undefined
  /** Events that get lost. */
  loses: (event: RoomEvent) => boolean = () => false
  readonly #held: Readonly<Record<Way, (() => void)[]>> = { events: [], answers: [] }
  #isHolding = true

  override async start(listener: RoomListener): Promise<void> {
    const hold = (call: () => void): void => {
      // Never past one that waits: events keep their order.
      if (this.#isHolding || this.#held.events.length > 0) this.#held.events.push(call)
      else call()
    }
    await super.start({
      onRoomEvent: (room: RoomKey, event: RoomEvent) => {
        this.onAnnounced(room, event)
        if (!this.loses(event)) hold(() => listener.onRoomEvent(room, event))
      },
      onRelay: (relay) => hold(() => listener.onRelay(relay)),
      onRelayFailed: (from, ref, error) => listener.onRelayFailed(from, ref, error),
      onRoomOpened: (room) => listener.onRoomOpened(room),
      onSwept: (room, peer, stayedMs) => listener.onSwept(room, peer, stayedMs),
      onRoomClosed: (room, peak, openMs) => listener.onRoomClosed(room, peak, openMs),
      onResync: () => listener.onResync(),
    })
  }

  /** Told of each event when it happens, before it waits or is lost. */
  onAnnounced(_room: RoomKey, _event: RoomEvent): void {}

  override join(...args: Parameters<MemoryRoomStore["join"]>): ReturnType<MemoryRoomStore["join"]> {
    return this.#answerLater(super.join(...args))
  }

  override leave(...args: Parameters<MemoryRoomStore["leave"]>): ReturnType<MemoryRoomStore["leave"]> {
    return this.#answerLater(super.leave(...args))
  }

  override updateStatus(
    ...args: Parameters<MemoryRoomStore["updateStatus"]>
  ): ReturnType<MemoryRoomStore["updateStatus"]> {
    return this.#answerLater(super.updateStatus(...args))
  }

  override snapshot(...args: Parameters<MemoryRoomStore["snapshot"]>): ReturnType<MemoryRoomStore["snapshot"]> {
    return this.#answerLater(super.snapshot(...args))
  }

  /** Lets the oldest `count` of one way go on (all of them, if not given), and all that follows at once. */
  async release(way: Way, count = Number.POSITIVE_INFINITY): Promise<void> {
    const held = this.#held[way]
    for (let released = 0; released < count && held.length > 0; released++) held.shift()?.()
    await settle()
  }

  /** From here on nothing waits. */
  async releaseAll(): Promise<void> {
    this.#isHolding = false
    await this.release("answers")
    await this.release("events")
  }

  #answerLater<T>(answer: Promise<T>): Promise<T> {
    if (!this.#isHolding) return answer
    const { failure } = this
    this.failure = undefined
    return new Promise((resolve, reject) => {
      this.#held.answers.push(() => (failure === undefined ? resolve(answer) : reject(failure)))
    })
  }
}

/** Lets every promise that can go on go on: the plain node has no timers and no network. */
export async function settle(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve))
}
