// What plug-ins hold in their hands: connections, rooms and the server, as the contract describes them. Thin views that
// look at the rooms when asked, so they keep nothing alive and show nothing stale.

import type { Connection as CoreConnection } from "../connections/connection.ts"
import type { Connections } from "../connections/connections.ts"
import type { Dialect } from "../dialects/contract.ts"
import type { Conversation } from "../dialects/conversation.ts"
import type { Log as CoreLog } from "../log.ts"
import { type NodeId, type PeerId, type RoomKey, toLogName } from "../rooms/ids.ts"
import type { JoinedRoom } from "../rooms/membership.ts"
import type { Rooms } from "../rooms/rooms.ts"
import type { Connection, Fields, Log, Member, Room, Server } from "./contract.ts"
import { closeWith } from "./define.ts"

/** The running node, as far as plug-ins see it. */
export interface PluggedNode {
  readonly connections: Connections
  readonly rooms: Rooms
  readonly dialects: readonly Pick<Dialect, "find">[]
}

/** What a facade needs from the plug-in it is for. */
export interface Holder {
  readonly name: string
  /** Its place among the plug-ins: where a connection keeps its data. */
  readonly index: number
  /** The running node; throws before the start. */
  node(): PluggedNode
  /** Calls `told` of this plug-in at this node, later. */
  tellHere(room: string, text: string): void
}

/** What is kept with a connection: how each plug-in sees it, by the plug-in's place. */
interface Attachment {
  /** Another one after each resumption. */
  connection: CoreConnection
  readonly views: (PluginConnection | undefined)[]
}

/** A client's connection as this plug-in sees it, always the same object. */
export function connectionOf(holder: Holder, { connection: its }: Conversation): PluginConnection {
  its.attachment ??= { connection: its, views: [] } satisfies Attachment
  const attachment = its.attachment as Attachment
  let connection = attachment.views[holder.index]
  if (connection === undefined) {
    connection = new PluginConnection(holder, attachment)
    attachment.views[holder.index] = connection
  }
  return connection
}

/** A client goes on on another connection: plug-ins keep the objects they have of it, and what they keep with them. */
export function moveConnection(from: CoreConnection, to: CoreConnection): void {
  const attachment = from.attachment as Attachment | undefined
  if (attachment === undefined) return
  from.attachment = undefined
  attachment.connection = to
  to.attachment = attachment
}

/** The status of who is in no room. */
const NO_STATUS = "{}"

class PluginConnection implements Connection {
  data: unknown
  readonly #holder: Holder
  readonly #its: Attachment

  constructor(holder: Holder, its: Attachment) {
    this.#holder = holder
    this.#its = its
  }

  /** Every receiver is made by a dialect. Asked anew each time: the first message may decide which. */
  get #conversation(): Conversation {
    return this.#its.connection.receiver as Conversation
  }

  get peer(): string {
    return this.#conversation.peer
  }

  get identity(): string | undefined {
    return this.#conversation.membership?.grant?.identity
  }

  get room(): Room | undefined {
    const { membership } = this.#conversation
    return membership === undefined ? undefined : new PluginRoom(this.#holder, membership.room)
  }

  get status(): Fields {
    return JSON.parse(this.#conversation.membership?.status ?? NO_STATUS) as Fields
  }

  get isOpen(): boolean {
    return !this.#its.connection.isClosed
  }

  send(event: string, fields: Fields = {}): void {
    this.#conversation.sendEvent(event, fields)
  }

  close(code: number, reason: string): void {
    this.#its.connection.close(closeWith(code, reason))
  }
}

/** See contract.ts. */
export class PluginRoom implements Room {
  readonly #holder: Holder
  readonly #room: JoinedRoom

  constructor(holder: Holder, room: JoinedRoom) {
    this.#holder = holder
    this.#room = room
  }

  get key(): string {
    return this.#room.key
  }

  get members(): readonly Member[] {
    return [...this.#room.members.values()].map(toMember)
  }

  publish(event: string, fields: Fields = {}): void {
    const text = this.#room.encoder.event?.(event, fields)
    if (text !== undefined) this.#holder.node().rooms.announcer.publish(this.#room, text)
  }

  send(peer: string, event: string, fields: Fields = {}): boolean {
    const text = this.#room.encoder.event?.(event, fields)
    return text !== undefined && this.#holder.node().rooms.announcer.send(this.#room, peer as PeerId, text)
  }

  tell(message: unknown): void {
    const { announcer } = this.#holder.node().rooms
    const text = toText(message)
    for (const node of announcer.nodesOf(this.#room)) announcer.tell(node, this.#room.key, this.#holder.name, text)
  }
}

/** See contract.ts. */
export class PluginServer implements Server {
  readonly version: string
  readonly log: Log
  readonly #holder: Holder

  constructor(holder: Holder, version: string, log: CoreLog) {
    this.#holder = holder
    this.version = version
    this.log = logOf(holder.name, log)
  }

  get node(): string {
    return this.#holder.node().rooms.node
  }

  // Arrows, so that a plug-in may take them apart: `setup({ members })`.
  readonly connection = (peer: string): Connection | undefined => {
    const { connections, dialects } = this.#holder.node()
    const conversation =
      firstOf(dialects, ({ find }) => find?.(peer as PeerId)) ??
      (connections.open.get(peer)?.receiver as Conversation | undefined)
    const isTheirs = conversation?.peer === peer && !conversation.connection.isClosed
    return isTheirs ? connectionOf(this.#holder, conversation) : undefined
  }

  readonly room = (key: string): Room | undefined => {
    const room = this.#holder.node().rooms.registry.get(key as RoomKey)
    return room === undefined || room.here.size === 0 ? undefined : new PluginRoom(this.#holder, room)
  }

  readonly members = async (room: string): Promise<readonly Member[]> =>
    (await this.#holder.node().rooms.announcer.membersOf(room as RoomKey)).map(toMember)

  readonly tell = (node: string, room: string, message: unknown): void => {
    const { rooms } = this.#holder.node()
    const text = toText(message)
    if (node === rooms.node) this.#holder.tellHere(room, text)
    else rooms.announcer.tell(node as NodeId, room as RoomKey, this.#holder.name, text)
  }
}

function firstOf<T, R>(all: readonly T[], find: (one: T) => R | undefined): R | undefined {
  for (const one of all) {
    const found = find(one)
    if (found !== undefined) return found
  }
  return undefined
}

/** What JSON has no text for, `undefined` for one, arrives as null. */
function toText(message: unknown): string {
  return JSON.stringify(message) ?? "null"
}

function toMember({ peer, node, status }: { peer: string; node: string; status: string }): Member {
  return { peer, node, status: JSON.parse(status) as Fields }
}

function logOf(plugin: string, log: CoreLog): Log {
  const at =
    (level: "error" | "warn" | "info" | "debug") =>
    (message: string, fields: object = {}) =>
      log[level]({ ...shorten(fields), plugin }, message)
  return { error: at("error"), warn: at("warn"), info: at("info"), debug: at("debug") }
}

/** Logs show the first digits of a room's hash and no more. */
function shorten(fields: object): object {
  const { room } = fields as { room?: unknown }
  return typeof room === "string" ? { ...fields, room: toLogName(room as RoomKey) } : fields
}
