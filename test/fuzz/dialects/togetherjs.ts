// Clients of TogetherJS in the simulation. Everything said in a room comes to all of it in one order, byte for byte and
// once; to its sender only where it asked for it; and whoever enters is told how many others are there.

import { type RoomKey, toRoomKey } from "../../../src/rooms/ids.ts"
import type { RoomEvent } from "../../../src/rooms/room-store.ts"
import { ROOM_SIZE, type SimulatedNode, type World } from "../simulated-node.ts"
import { type Cast, isSameList, membersIn } from "./cast.ts"
import { SimulatedGuest, Violation } from "./guest.ts"

const ROOMS = ["sofa", "desk"]

/** 9 in two rooms of five: a room is full now and then. */
const MOST_CLIENTS = 9

const ACTIONS = { connect: 4, say: 20, close: 2 }

/** What somebody said. */
interface Said {
  readonly n: number
  readonly from: SimulatedMember
  readonly text: string
  readonly isEcho: boolean
  /** Said when all was quiet: nothing excuses its loss. */
  readonly isProbe: boolean
  /** That of Redis's data when it was said: where they are lost, with the answer to it, it is said again. */
  readonly life: number
  /** Whether it has come twice so. */
  isRepeated: boolean
}

const roomOf = (name: string): RoomKey => toRoomKey(name, "togetherjs")

/** See the head of this file. */
export class TogetherCast implements Cast {
  readonly clients = new Set<SimulatedMember>()
  readonly said = new Map<number, Said>()
  /** Number of what was said last. */
  numbers = 0
  readonly #world: World
  readonly #nodes: () => readonly SimulatedNode[]
  readonly #weights: Record<keyof typeof ACTIONS, number>
  /** Who enters when all is quiet, and how many are there already. */
  #newcomers: { readonly client: SimulatedMember; readonly others: number }[] = []
  #names = 0

  /** @param nodes those of the world */
  constructor(world: World, nodes: () => readonly SimulatedNode[]) {
    this.#world = world
    this.#nodes = nodes
    this.#weights = world.random.mixed(ACTIONS)
  }

  act(): void {
    const { random } = this.#world
    const client = random.pick(this.#living())
    const action = random.weighted(this.#weights)
    if (client === undefined || action === "connect") {
      if (this.#living().length < MOST_CLIENTS) this.#connect(random.pick(ROOMS) ?? "")
      return
    }
    client.node.deliver(() => {
      if (client.isClosed) return
      if (action === "close") client.close()
      else for (let count = 1 + random.below(3); count > 0; count--) this.#say(client, random.chance(0.4), false)
    })
  }

  nudge(): void {
    for (const client of this.#living()) this.#say(client, false, false)
  }

  probe(): void {
    for (const client of this.#living()) this.#say(client, true, true)
    for (const room of ROOMS) {
      const others = this.#in(room).length
      const client = this.#connect(room)
      if (client !== undefined) this.#newcomers.push({ client, others })
    }
  }

  findUntruths(): string[] {
    const lines: string[] = []
    for (const { client, others } of this.#newcomers) {
      const isRight = client.isClosed ? others >= ROOM_SIZE : client.peerCount === others
      if (!isRight) lines.push(`${client.name} was told of ${client.peerCount} others instead of ${others}`)
    }
    for (const { name, peerCount } of this.#living()) if (peerCount === undefined) lines.push(`${name} waits to enter`)
    for (const room of ROOMS) lines.push(...this.#findIn(room))
    return lines
  }

  begin(): void {
    for (const { client } of this.#newcomers) client.close()
    this.#newcomers = []
    this.said.clear()
    for (const client of this.clients) {
      if (client.isClosed) this.clients.delete(client)
      else client.begin()
    }
  }

  goAll(): void {
    for (const client of this.#living()) client.close()
  }

  roomsAt(node: SimulatedNode): number {
    const here = this.#living().filter((client) => client.node === node)
    return new Set(here.map(({ room }) => room)).size
  }

  /** The log of a client's room, while nothing excuses what it does not hear of it. */
  logOf({ room, isDisturbed }: SimulatedMember): readonly RoomEvent[] | undefined {
    return isDisturbed ? undefined : (this.#world.redis.logs.get(roomOf(room)) ?? [])
  }

  /** How many may be in a room, as the server sees it: a node that is disturbed tells it later who went. */
  mostIn(room: string, at: number): number {
    return [...this.clients].filter(
      ({ room: its, closedAt, isDisturbed }) =>
        its === room && (closedAt === undefined || closedAt > at - 1_000 || isDisturbed),
    ).length
  }

  #living(): SimulatedMember[] {
    return [...this.clients].filter(({ isClosed }) => !isClosed)
  }

  #in(room: string): SimulatedMember[] {
    return this.#living().filter((client) => client.room === room)
  }

  #connect(room: string): SimulatedMember | undefined {
    const node = this.#world.random.pick(this.#nodes().filter(({ isServing }) => isServing))
    let client: SimulatedMember | undefined
    node?.deliver(() => {
      if (node.isStopping) return
      client = new SimulatedMember(`member${++this.#names}@${node.name}`, node, this.#world, this, room)
      this.clients.add(client)
    })
    return client
  }

  #say(from: SimulatedMember, isEcho: boolean, isProbe: boolean): void {
    const n = ++this.numbers
    // Spaces, a key that comes twice, a number that no double holds: bytes, not what they mean.
    const text = `{ "n":0,"n":${n}, "big":12345678901234567890${isEcho ? ', "server-echo":true' : ""} }`
    this.said.set(n, { n, from, text, isEcho, isProbe, life: this.#world.redis.life, isRepeated: false })
    from.send(text)
  }

  #findIn(room: string): string[] {
    const lines: string[] = []
    const inside = this.#in(room)
    const members = membersIn(this.#world.redis, roomOf(room)).map(({ peer }) => peer as string)
    const peers = inside.map(({ peer }) => peer)
    if (!isSameList(members, peers)) lines.push(`Redis has ${members} in ${room}, but it is ${peers}`)
    const hasOneTime = (n: number): boolean => this.said.get(n)?.isRepeated === false
    for (const [at, a] of inside.entries()) {
      for (const b of inside.slice(at + 1)) {
        if (!isOneOrder(a.heard.filter(hasOneTime), b.heard.filter(hasOneTime)))
          lines.push(`${a.name} and ${b.name} heard ${room} in two orders`)
      }
      const missed = [...this.said.values()].filter((said) => this.#isMissed(a, said))
      for (const { n, from } of missed) lines.push(`${a.name} has not heard ${n} of ${from.name}`)
      lines.push(...a.findUnheard())
    }
    return lines
  }

  /** Whether a client should have heard it, and has not. */
  #isMissed(client: SimulatedMember, { n, from, isEcho, isProbe }: Said): boolean {
    if (client.heard.includes(n) || from.room !== client.room || (from === client && !isEcho)) return false
    if (from.isClosed || n <= client.firstNumber) return false
    return isProbe || (!client.isDisturbed && !from.isDisturbed)
  }
}

/** One client. */
export class SimulatedMember extends SimulatedGuest {
  readonly room: string
  /** How many others it was told of when it entered. */
  peerCount: number | undefined
  /** Numbers of what it heard since all was quiet. */
  heard: number[] = []
  /** What has a number above this one was said when it was in the room. */
  firstNumber = Number.POSITIVE_INFINITY
  readonly #cast: TogetherCast
  /** The room's log, while every frame of it has to be heard. */
  #log: { readonly events: readonly RoomEvent[]; next: number } | undefined

  constructor(name: string, node: SimulatedNode, world: World, cast: TogetherCast, room: string) {
    super(name, node, world, `/hub/${room}`)
    this.room = room
    this.#cast = cast
  }

  /** All is quiet, and what was heard is judged. */
  begin(): void {
    this.heard = []
    this.#follow()
  }

  /** Frames of the log that should have been heard. */
  findUnheard(): string[] {
    const frame = this.isDisturbed ? undefined : this.#nextFrame()
    return frame === undefined ? [] : [`${this.name} has not heard ${frame.text}`]
  }

  protected hear(text: string): void {
    if (this.peerCount === undefined) this.#enter(text)
    else this.#hear(text)
  }

  protected onClose(_code: number, reason: string): void {
    if (this.isDisturbed) return
    const isFull = reason.startsWith("room is full") && this.#cast.mostIn(this.room, this.since) > ROOM_SIZE
    if (!isFull) throw new Violation(`closed for no reason: ${reason}`)
  }

  #hear(text: string): void {
    const { n } = JSON.parse(text) as { n: number }
    const said = this.#cast.said.get(n)
    if (said === undefined) throw new Violation(`nobody has said ${text}`)
    if (said.text !== text) throw new Violation(`${text} instead of ${said.text}`)
    if (said.from.room !== this.room) throw new Violation(`${text} is of another room`)
    if (said.from === this && !said.isEcho) throw new Violation(`${text} is its own`)
    const isSaidAgain = said.life !== this.world.redis.life
    if (this.heard.includes(n)) {
      if (!isSaidAgain) throw new Violation(`${text} came twice`)
      said.isRepeated = true
    }
    const later = this.heard.find((other) => other > n && this.#cast.said.get(other)?.from === said.from)
    if (later !== undefined && !isSaidAgain) throw new Violation(`${text} came after ${later} of the same sender`)
    this.heard.push(n)
    const frame = this.isDisturbed ? undefined : this.#nextFrame()
    if (frame !== undefined && frame.text !== text) throw new Violation(`${text}, but the log has ${frame.text}`)
    if (this.#log !== undefined) this.#log.next++
  }

  #enter(text: string): void {
    const { type, peerCount } = JSON.parse(text) as { type: string; peerCount: number }
    if (type !== "init-connection") throw new Violation(`${text} before init-connection`)
    this.peerCount = peerCount
    this.firstNumber = this.#cast.numbers
    this.#follow()
    if (this.#log === undefined) return
    const { events } = this.#log
    const members = new Set<string>()
    this.#log.next = 1 + events.findLastIndex((event) => event.kind === "joined" && event.member.peer === this.peer)
    for (const event of events.slice(0, this.#log.next - 1)) {
      if (event.kind === "joined") members.add(event.member.peer)
      else if (event.kind === "left") members.delete(event.peer)
    }
    if (members.size !== peerCount) throw new Violation(`told of ${peerCount} others instead of ${members.size}`)
  }

  #follow(): void {
    const events = this.#cast.logOf(this)
    this.#log = events === undefined ? undefined : { events, next: events.length }
  }

  /** The next frame of the log that is for this client; leaves the log at it. */
  #nextFrame(): Extract<RoomEvent, { kind: "frame" }> | undefined {
    if (this.#log === undefined) return undefined
    for (; this.#log.next < this.#log.events.length; this.#log.next++) {
      const event = this.#log.events[this.#log.next]
      if (event?.kind === "frame" && (event.to === "all" || event.peer !== this.peer)) return event
    }
    return undefined
  }
}

/** Whether what is in both lists is in the same order. */
function isOneOrder(a: readonly number[], b: readonly number[]): boolean {
  const common = a.filter((n) => b.includes(n))
  return b.filter((n) => common.includes(n)).every((n, at) => n === common[at])
}
