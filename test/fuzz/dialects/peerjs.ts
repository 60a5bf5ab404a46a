// Clients of PeerJS in the simulation. They call each other by id, come back with the same token at any node, try ids of
// others, and speak to who is not there. A message is delivered once, in order, to who has the id, under the true id of
// its sender; or its sender is told EXPIRE.

import { type RoomKey, toRoomKey } from "../../../src/rooms/ids.ts"
import type { SimulatedNode, World } from "../simulated-node.ts"
import { type Cast, isSameList, membersIn } from "./cast.ts"
import { SimulatedGuest, Violation } from "./guest.ts"

/** Few, so that clients meet, and ids have more than one who wants them. */
const IDS = ["ann", "bob", "cat", "dan", "eve"]

/** One client more than ids. */
const MOST_CLIENTS = 6

/** 1 s: an id is free by then for another token, and known to be there to all nodes, when nothing is broken. */
const KNOWN_MS = 1_000

/** 3 s: what a fault holds up for longer on its way back from where the peer was may come behind what was said later. */
const ORDER_MS = 3_000

/** 4509: taken over by another connection. */
const TAKEN_OVER = 4509

/** Types of messages, and whether they wait for who is not there. */
const TYPES = [
  { type: "OFFER", isImportant: true },
  { type: "ANSWER", isImportant: true },
  { type: "CANDIDATE", isImportant: true },
  { type: "LEAVE", isImportant: false },
]

const ACTIONS = { connect: 3, comeBack: 2, call: 20, close: 2, leave: 0.5 }

/** A message of one client to an id. */
interface Said {
  readonly n: number
  readonly from: SimulatedPeer
  readonly to: string
  readonly type: string
  readonly isImportant: boolean
  readonly at: number
  /** Who had the id, and was known to have it, when it was said. */
  readonly known: SimulatedPeer | undefined
  /** Said when all was quiet: nothing excuses its loss. */
  readonly isProbe: boolean
  fate: "under way" | "delivered" | "expired"
}

interface Frame {
  readonly type: string
  readonly src?: string
  readonly dst?: string
  readonly payload?: { readonly n?: number; readonly msg?: string }
}

/** The room of an id, and that of all ids. */
const roomOf = (id: string): RoomKey => toRoomKey(`peerjs\n${id}`, "peerjs")
const LIST = toRoomKey("peerjs", "peerjs list")

/** See the head of this file. */
export class PeerJsCast implements Cast {
  readonly clients = new Set<SimulatedPeer>()
  readonly said = new Map<number, Said>()
  /** Last number heard by sender and id. */
  readonly #heard = new Map<string, number>()
  /** Last number said before the last EXPIRE, by who was told and the id of the peer: an id may have two for a while. */
  readonly #expired = new Map<string, number>()
  readonly #world: World
  readonly #nodes: () => readonly SimulatedNode[]
  readonly #weights: Record<keyof typeof ACTIONS, number>
  #numbers = 0
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
      // Mostly the owner of the id.
      const id = random.pick(IDS) ?? ""
      this.#connect(id, random.chance(0.8) ? `of ${id}` : "stolen")
      return
    }
    if (action === "comeBack") {
      this.#connect(client.id, client.token)
      return
    }
    client.node.deliver(() => {
      if (client.isClosed) return
      if (action === "close") client.close()
      else if (action === "leave") client.leave()
      else if (client.isOpen) this.#call(client)
    })
  }

  nudge(): void {}

  probe(): void {
    for (const from of this.#living()) {
      for (const to of this.#living()) if (from.isOpen && to.isOpen) this.#say(from, to.id, "OFFER", true)
    }
  }

  findUntruths(): string[] {
    const lines: string[] = []
    const living = this.#living()
    for (const { name, isOpen } of living) if (!isOpen) lines.push(`${name} waits for its id`)
    for (const id of IDS) lines.push(...this.#findHolders(id))
    const listed = membersIn(this.#world.redis, LIST).map(({ peer }) => peer as string)
    if (
      !isSameList(
        listed,
        living.map(({ peer }) => peer),
      )
    )
      lines.push("the list of all peers is wrong")
    for (const said of this.said.values()) if (this.#isLost(said)) lines.push(`${toText(said)} was lost`)
    for (const { name, plain } of this.#nodes()) {
      const waiting = plain.dialects.find((dialect) => dialect.name === "peerjs")?.waiting?.()
      if (waiting !== 0) lines.push(`${waiting} messages wait at ${name}`)
    }
    return lines
  }

  begin(): void {
    this.said.clear()
    for (const client of this.clients) if (client.isClosed) this.clients.delete(client)
  }

  goAll(): void {
    for (const client of this.#living()) {
      if (this.#world.random.chance(0.3)) client.leave()
      client.close()
    }
  }

  roomsAt(node: SimulatedNode): number {
    const here = this.#living().filter((client) => client.node === node)
    return here.length === 0 ? 0 : new Set(here.map(({ id }) => id)).size + 1
  }

  /** A client was told that it has its id. */
  onOpen(client: SimulatedPeer): void {
    for (const other of this.clients) {
      const isRival = other.id === client.id && other.token !== client.token && other.isOpen && !other.isClosed
      if (isRival && !other.isDisturbed && !client.isDisturbed) throw new Violation(`has the id of ${other.name}`)
    }
  }

  /** A client was told that somebody else has its id. */
  onTaken(client: SimulatedPeer): void {
    if (this.#nodes().some(({ isDisturbed }) => isDisturbed) || client.isDisturbed) return
    for (const other of this.clients) {
      if (other.id !== client.id || other.token === client.token) continue
      if (other.closedAt === undefined || other.closedAt > client.since - KNOWN_MS) return
    }
    throw new Violation("nobody had its id")
  }

  /** A client lost its id to another: with its token, or whose node comes back with an older right to it. */
  onTakenOver(client: SimulatedPeer): void {
    const isCalm = !this.#nodes().some(({ isDisturbed }) => isDisturbed)
    for (const other of this.clients) {
      if (other === client || other.id !== client.id) continue
      if (other.token === client.token || !isCalm) return
    }
    throw new Violation("nobody with its token took its id over")
  }

  /** A client heard a message. */
  onMessage(client: SimulatedPeer, { type, src, dst, payload }: Frame): void {
    const said = this.said.get(payload?.n ?? -1)
    if (said === undefined) throw new Violation("nobody has said that")
    if (!client.isOpen) throw new Violation("a message before OPEN")
    if (dst !== said.to || client.id !== said.to) throw new Violation(`${toText(said)} went astray`)
    if (src !== said.from.id || type !== said.type) throw new Violation(`${toText(said)} was forged`)
    if (said.fate === "delivered") throw new Violation(`${toText(said)} came twice`)
    if (said.fate === "expired" && !this.#isExcused(said)) throw new Violation(`${toText(said)} came after EXPIRE`)
    const way = `${said.from.name} to ${said.to}`
    const last = this.#heard.get(way) ?? 0
    const isHeldUp = this.#isExcused(said) && this.#world.time.now - said.at > ORDER_MS
    if (said.n < last && !isHeldUp) throw new Violation(`${toText(said)} came after ${last}`)
    this.#heard.set(way, Math.max(last, said.n))
    said.fate = "delivered"
  }

  /** A client was told that an id is not there. */
  onExpire(client: SimulatedPeer, { src, dst }: Frame): void {
    if (dst !== client.id) throw new Violation("EXPIRE for another")
    const way = `${client.name} to ${src}`
    const last = this.#expired.get(way) ?? 0
    const missed = [...this.said.values()].filter(
      ({ from, to, fate, isImportant }) => from.id === client.id && to === src && isImportant && fate !== "delivered",
    )
    const newest = missed.at(-1)?.n ?? 0
    if (newest <= last) throw new Violation(`EXPIRE of ${src} for nothing, or for the second time`)
    this.#expired.set(way, newest)
    for (const said of missed) said.fate = "expired"
  }

  #living(): SimulatedPeer[] {
    return [...this.clients].filter(({ isClosed }) => !isClosed)
  }

  #connect(id: string, token: string): void {
    const node = this.#world.random.pick(this.#nodes().filter(({ isServing }) => isServing))
    if (node === undefined || this.#living().length >= MOST_CLIENTS) return
    node.deliver(() => {
      if (node.isStopping) return
      this.clients.add(new SimulatedPeer(`${id}${++this.#names}@${node.name}`, node, this.#world, this, id, token))
    })
  }

  #call(client: SimulatedPeer): void {
    const { random } = this.#world
    const there = random.pick(this.#living().filter(({ isOpen }) => isOpen))
    const to = (random.chance(0.7) ? there?.id : undefined) ?? random.pick(IDS) ?? ""
    for (let count = 1 + random.below(4); count > 0; count--) {
      this.#say(client, to, (random.pick(TYPES) as (typeof TYPES)[0]).type, false)
    }
  }

  #say(from: SimulatedPeer, to: string, type: string, isProbe: boolean): void {
    const { now } = this.#world.time
    const holders = this.#living().filter(({ id, isOpen }) => id === to && isOpen)
    const [holder] = holders
    const isKnown = holder?.openSince !== undefined && holder.openSince < now - KNOWN_MS && holders.length === 1
    const isImportant = TYPES.some((one) => one.type === type && one.isImportant)
    const n = ++this.#numbers
    this.said.set(n, {
      ...{ n, from, to, type, isImportant, isProbe, at: now, fate: "under way" as const },
      known: isKnown ? holder : undefined,
    })
    from.send(JSON.stringify({ type, payload: { n }, dst: to }))
  }

  #findHolders(id: string): string[] {
    const holders = this.#living().filter((client) => client.id === id)
    const members = membersIn(this.#world.redis, roomOf(id))
    if (holders.length > 1) return [`${holders.map(({ name }) => name).join(" and ")} have one id`]
    const nodes = members.map(({ node }) => node as string)
    if (
      isSameList(
        nodes,
        holders.map(({ node }) => node.store.node),
      )
    )
      return []
    return [`Redis has ${id} at ${nodes.join(", ") || "no node"}, but it is ${holders[0]?.name ?? "gone"}`]
  }

  /** Whether it should have been delivered, or its sender told. */
  #isLost(said: Said): boolean {
    const { from, known, fate, isProbe, isImportant } = said
    if (fate === "delivered" || from.isClosed) return false
    const isThere = known !== undefined && !known.isClosed
    if (isProbe) return isThere
    if (this.#isExcused(said)) return false
    return isThere || (isImportant && fate === "under way")
  }

  /** Whether a fault may be why it was lost. */
  #isExcused({ from, to }: Said): boolean {
    return from.isDisturbed || [...this.clients].some(({ id, isDisturbed }) => id === to && isDisturbed)
  }
}

/** One client. */
export class SimulatedPeer extends SimulatedGuest {
  readonly id: string
  readonly token: string
  openSince: number | undefined
  readonly #cast: PeerJsCast

  constructor(name: string, node: SimulatedNode, world: World, cast: PeerJsCast, id: string, token: string) {
    super(name, node, world, `/peerjs?key=peerjs&id=${id}&token=${encodeURIComponent(token)}`)
    this.id = id
    this.token = token
    this.#cast = cast
  }

  get isOpen(): boolean {
    return this.openSince !== undefined
  }

  /** Gives its id up, and stays connected for a moment. */
  leave(): void {
    this.send('{"type":"LEAVE"}')
    this.close()
  }

  protected hear(text: string): void {
    const frame = JSON.parse(text) as Frame
    switch (frame.type) {
      case "OPEN":
        if (this.isOpen) throw new Violation("OPEN twice")
        this.openSince = this.world.time.now
        this.#cast.onOpen(this)
        break
      case "ID-TAKEN":
        this.#cast.onTaken(this)
        break
      case "ERROR":
        if (!this.isDisturbed) throw new Violation(`ERROR ${frame.payload?.msg}`)
        break
      case "EXPIRE":
        this.#cast.onExpire(this, frame)
        break
      default:
        this.#cast.onMessage(this, frame)
    }
  }

  protected onClose(code: number): void {
    if (code === TAKEN_OVER) this.#cast.onTakenOver(this)
  }
}

function toText({ n, from, to }: Said): string {
  return `message ${n} of ${from.name} to ${to}`
}
