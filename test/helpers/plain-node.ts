// One node without a network: the real connections, dialect and rooms over plain objects, with a store that can be made to wait. What
// a client of it was sent, it has, in order.

import { type Clock, SYSTEM_CLOCK } from "../../src/clock.ts"
import { Connection } from "../../src/connections/connection.ts"
import { Connections, type NodeLimits } from "../../src/connections/connections.ts"
import { openConversation } from "../../src/dialects/choose.ts"
import type { Dialect, DialectParts } from "../../src/dialects/contract.ts"
import type { Conversation } from "../../src/dialects/conversation.ts"
import type { Hooks } from "../../src/dialects/hooks.ts"
import { makePalava } from "../../src/dialects/palava/palava.ts"
import type { Log } from "../../src/log.ts"
import type { RoomKey } from "../../src/rooms/ids.ts"
import { MemoryRoomStore } from "../../src/rooms/memory-room-store.ts"
import type { RoomEvent, RoomListener, RoomStore } from "../../src/rooms/room-store.ts"
import { makeRooms, type Rooms } from "../../src/rooms/rooms.ts"
import type { Topics } from "../../src/rooms/topics.ts"
import type { WireEvent } from "./client.ts"
import { LocalTopics } from "./local-topics.ts"

/** What its clients may do. */
export type PlainLimits = NodeLimits & DialectParts["limits"]

const LIMITS: PlainLimits = {
  roomSize: 50,
  roomLocks: "off",
  maxFrameBytes: 65_536,
  ratePerSecond: 0,
  rateBurst: 1,
  joinsPerSecond: 0,
  outputKbPerSecond: 0,
  addressShare: 0,
  addressConnections: 0,
  addressConnectsPerSecond: 0,
  maxConnections: 0,
  joinSeconds: 0,
  memoryBytes: Number.POSITIVE_INFINITY,
  pingSeconds: 25,
  deadSeconds: 50,
  maxBacklogBytes: 1_048_576,
  resumeSeconds: 30,
  resumeMemoryMb: 64,
}

/** Time that stands still until a test moves it. */
export class StillClock implements Clock {
  readonly #waiting = new Set<{ ms: number; call: () => void }>()

  monotonicMs(): number {
    return 0
  }

  unixMs(): number {
    return 0
  }

  after(ms: number, call: () => void): () => void {
    const timer = { ms, call }
    this.#waiting.add(timer)
    return () => this.#waiting.delete(timer)
  }

  soon(call: () => void): void {
    setImmediate(call)
  }

  /** All that waited for `ms` milliseconds at most has its time now. */
  pass(ms = Number.POSITIVE_INFINITY): void {
    const due = [...this.#waiting].filter((timer) => timer.ms <= ms)
    for (const timer of due) {
      if (this.#waiting.delete(timer)) timer.call()
    }
  }
}

/** Who is at the other end of a plain connection. */
export interface PlainPeer {
  onText(text: string): void
  /** The server closed it. */
  onClose(code: number, reason: string): void
  onPing?(): void
}

/** A connection to a plain node, and what ends it without a word. */
export function connectPlain(
  { connections, dialects, topics }: Pick<PlainNode, "connections" | "dialects" | "topics">,
  peer: PlainPeer,
  address = "ws://plain/",
  place = "plain",
): { connection: Connection; drop: () => void } {
  const url = new URL(address)
  const handshake = { request: new Request(address.replace("ws", "http")), url, pathname: url.pathname }
  const converse = (it: Connection) => openConversation(dialects, it, handshake)
  const connection = new Connection(connections, converse, connections.places.of(place))
  const subscriber = { send: (text: string) => peer.onText(text) }
  connection.onOpen({
    send: subscriber.send,
    close: (code, reason) => peer.onClose(code, reason),
    ping: () => peer.onPing?.(),
    getBufferedAmount: () => 0,
    subscribe: (topic) => topics.subscribe(topic, subscriber),
    unsubscribe: (topic) => topics.unsubscribe(topic, subscriber),
  })
  return { connection, drop: () => topics.drop(subscriber) }
}

/** A client of a plain node. */
export class PlainClient {
  readonly connection: Connection
  /** Every event it was sent. */
  readonly all: WireEvent[] = []
  /** How the server closed it. */
  closed: { code: number; reason: string } | undefined
  pings = 0
  readonly #drop: () => void
  #taken = 0

  constructor(node: PlainNode, address?: string, place?: string) {
    const peer: PlainPeer = {
      onText: (text) => {
        this.all.push(JSON.parse(text))
      },
      onClose: (code, reason) => {
        this.closed = { code, reason }
        this.close(code)
      },
      onPing: () => {
        this.pings++
      },
    }
    const { connection, drop } = connectPlain(node, peer, address, place)
    this.connection = connection
    this.#drop = drop
  }

  get id(): string {
    return (this.connection.receiver as Conversation).peer
  }

  send(message: object | string): void {
    this.connection.onMessage(typeof message === "string" ? message : JSON.stringify(message))
  }

  /** What came since the last call. */
  take(): WireEvent[] {
    const events = this.all.slice(this.#taken)
    this.#taken = this.all.length
    return events
  }

  /** The connection ends: with a close frame of the client, or BROKEN. */
  close(code = 1000): void {
    this.#drop()
    this.connection.onClose(code)
  }
}

/** What a plain node may be given in place of its own. */
export interface PlainOptions {
  readonly limits?: Partial<PlainLimits> | undefined
  readonly hooks?: Hooks
  readonly clock?: Clock
  /** Time goes on by itself. */
  readonly realTime?: boolean
  readonly topics?: Topics
  readonly log?: Log
  /** Whether other nodes share its store. */
  readonly isClustered?: boolean
  /** Asked before palava. */
  readonly dialects?: (parts: DialectParts) => readonly Dialect[]
}

/** See the head of this file. */
export class PlainNode {
  readonly connections: Connections
  readonly rooms: Rooms
  readonly dialects: readonly Dialect[]
  readonly topics = new LocalTopics()
  readonly clock = new StillClock()
  /** What it logged, at any level. */
  readonly logged: string[] = []

  constructor(store: RoomStore, options: PlainOptions = {}) {
    const { hooks = {}, topics = this.topics, isClustered = false } = options
    const clock = options.clock ?? (options.realTime === true ? SYSTEM_CLOCK : this.clock)
    const note = (_fields: object, message: string): void => {
      this.logged.push(message)
    }
    const log = options.log ?? { error: note, warn: note, info: note, debug: note }
    const limits = { ...LIMITS, ...options.limits }
    this.connections = new Connections({ limits, log, observer: hooks.observer, clock })
    this.rooms = makeRooms({ store, topics, log, observer: hooks.observer, onTold: hooks.told, clock })
    const ice = { urls: [], turnSecret: "", turnTtlSeconds: 60 }
    const parts = { rooms: this.rooms, hooks, log, clock, topics: this.topics, ice, isClustered, limits }
    this.dialects = [...(options.dialects?.(parts) ?? []), makePalava(parts)]
  }

  /** Starts it on `store`, or on one of its own. */
  static async start(store: RoomStore = new MemoryRoomStore(), options?: PlainOptions): Promise<PlainNode> {
    const node = new PlainNode(store, options)
    await node.rooms.start()
    return node
  }

  /** Connects a client: by palava, unless the address says otherwise, and from one place, unless `place` does. */
  connect(address?: string, place?: string): PlainClient {
    return new PlainClient(this, address, place)
  }

  /** Leaves all rooms, closes all connections, gives the store up. */
  async close(): Promise<void> {
    await this.rooms.leaveAll()
    for (const connection of [...this.connections.open.values()]) connection.close({ code: 1001, reason: "over" })
    await this.rooms.close(0)
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
  #listener: RoomListener | undefined

  override async start(listener: RoomListener): Promise<void> {
    this.#listener = listener
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
      onRelayFailed: (relay, ref, failure) => listener.onRelayFailed(relay, ref, failure),
      onRoomOpened: (room) => listener.onRoomOpened(room),
      onSwept: (room, peer, stayedMs) => listener.onSwept(room, peer, stayedMs),
      onRoomClosed: (room, peak, openMs) => listener.onRoomClosed(room, peak, openMs),
      onResync: () => listener.onResync(),
    })
  }

  /** The store was away: all rooms are restored. */
  async resync(): Promise<void> {
    await this.#listener?.onResync()
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

  override publish(...args: Parameters<MemoryRoomStore["publish"]>): ReturnType<MemoryRoomStore["publish"]> {
    return this.#answerLater(Promise.resolve(super.publish(...args)))
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
