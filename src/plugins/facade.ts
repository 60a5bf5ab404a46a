// What plug-ins hold in their hands: connections, rooms and the server, as the contract describes them. Thin views that
// look at the hub when asked, so they keep nothing alive and show nothing stale.

import { serverEvent } from "../dialects/palava/server-events.ts"
import { type NodeId, type PeerId, type RoomKey, toLogName } from "../rooms/ids.ts"
import type { Log as CoreLog, Hub } from "../signaling/hub.ts"
import type { RoomView } from "../signaling/room-view.ts"
import type { Session } from "../signaling/session.ts"
import type { Connection, Fields, Log, Member, Room, Server } from "./contract.ts"
import { closeWith } from "./define.ts"

/** What a facade needs from the plug-in it is for. */
export interface Holder {
  readonly name: string
  /** Its place among the plug-ins: where a connection keeps its data. */
  readonly index: number
  /** The running hub; throws before the start. */
  hub(): Hub
  /** Calls `told` of this plug-in at this node, later. */
  tellHere(room: string, text: string): void
}

/** The connection of a session as this plug-in sees it, always the same object. */
export function connectionOf(holder: Holder, session: Session): PluginConnection {
  session.attachment ??= []
  const all = session.attachment as (PluginConnection | undefined)[]
  let connection = all[holder.index]
  if (connection === undefined) {
    connection = new PluginConnection(holder, session)
    all[holder.index] = connection
  }
  return connection
}

class PluginConnection implements Connection {
  data: unknown
  readonly #holder: Holder
  readonly #session: Session

  constructor(holder: Holder, session: Session) {
    this.#holder = holder
    this.#session = session
  }

  get peer(): string {
    return this.#session.peer
  }

  get room(): Room | undefined {
    const { room } = this.#session
    return room === undefined ? undefined : new PluginRoom(this.#holder, room)
  }

  get status(): Fields {
    return JSON.parse(this.#session.status) as Fields
  }

  get isOpen(): boolean {
    return this.#session.socket !== undefined
  }

  send(event: string, fields: Fields = {}): void {
    this.#session.send(serverEvent(event, fields, undefined))
  }

  close(code: number, reason: string): void {
    this.#session.close(closeWith(code, reason))
  }
}

/** See contract.ts. */
export class PluginRoom implements Room {
  readonly #holder: Holder
  readonly #view: RoomView

  constructor(holder: Holder, view: RoomView) {
    this.#holder = holder
    this.#view = view
  }

  get key(): string {
    return this.#view.key
  }

  get members(): readonly Member[] {
    return [...this.#view.members.values()].map(toMember)
  }

  publish(event: string, fields: Fields = {}): void {
    this.#holder.hub().outbox.publish(this.#view, serverEvent(event, fields, undefined))
  }

  send(peer: string, event: string, fields: Fields = {}): boolean {
    return this.#holder.hub().outbox.send(this.#view, peer as PeerId, serverEvent(event, fields, undefined))
  }

  tell(message: unknown): void {
    const { outbox } = this.#holder.hub()
    const text = toText(message)
    for (const node of outbox.nodesOf(this.#view)) outbox.tell(node, this.#view.key, this.#holder.name, text)
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
    return this.#holder.hub().node
  }

  // Arrows, so that a plug-in may take them apart: `setup({ members })`.
  readonly connection = (peer: string): Connection | undefined => {
    const session = this.#holder.hub().sessions.get(peer as PeerId)
    return session === undefined ? undefined : connectionOf(this.#holder, session)
  }

  readonly room = (key: string): Room | undefined => {
    const view = this.#holder.hub().room(key as RoomKey)
    return view === undefined ? undefined : new PluginRoom(this.#holder, view)
  }

  readonly members = async (room: string): Promise<readonly Member[]> =>
    (await this.#holder.hub().outbox.membersOf(room as RoomKey)).map(toMember)

  readonly tell = (node: string, room: string, message: unknown): void => {
    const { outbox, node: here } = this.#holder.hub()
    const text = toText(message)
    if (node === here) this.#holder.tellHere(room, text)
    else outbox.tell(node as NodeId, room as RoomKey, this.#holder.name, text)
  }
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
