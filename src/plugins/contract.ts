// THE contract between the server and its plug-ins: what a plug-in may say and be told. Declarations only, and complete
// in itself: `palava-machine plugin-types` prints this very file for authors, whose editors know it as the module
// "palava-machine". What stands behind it: define.ts, the rest of this folder.

/** Valibot, so a plug-in needs no package for its schemas: `v.object({ text: v.string() })`. */
export * as v from "valibot"

/** What valibot's schemas and those of other libraries have in common (standardschema.dev); anything with it will do. */
export interface Schema<Output = unknown> {
  readonly "~standard": {
    readonly validate: (value: unknown) => unknown
    readonly types?: { readonly output: Output } | undefined
  }
}

/** The fields of an event: what JSON can carry. */
export type Fields = Readonly<Record<string, unknown>>

/** A plug-in: the default export of its file, made by definePlugin. */
export interface Plugin<Options = unknown, Data = unknown> {
  /** Lower case with dashes. Names its table `[plugins.NAME]` in the configuration file, its log lines and metrics. */
  readonly name: string
  /** The version of this contract it was written for. */
  readonly contract: 1
  /** Checks its table of the configuration file at start; without one it takes no options. */
  readonly options?: Schema<Options>
  /** Longest an async hook may take (5 if not given). */
  readonly timeoutSeconds?: number
  /** Makes the hooks. Called at start and by check-config: opens nothing and starts nothing (`start` does). */
  setup(server: Server, options: Options): Hooks<Data>
}

/**
 * Where a plug-in is asked and told. Leave out what you do not need: it costs nothing then. With several plug-ins the
 * built-in ones come first, then the order on the command line. A hook that throws or takes too long is logged with
 * the plug-in's name and counted; the client gets `internal`, and the connection and the server live on.
 */
export interface Hooks<Data = unknown> {
  /** Before the server listens. An error here ends the start. */
  start?(): void | Promise<void>
  /** After the last connection is gone. */
  stop?(): void | Promise<void>
  /**
   * A connection is asked for; nothing is sent until all plug-ins have said yes. What it returns becomes
   * `connection.data` of this plug-in, or `closeWith(...)` turns it away.
   */
  connect?(request: Request, visitor: Visitor): Data | Closing | Promise<Data | Closing>
  /**
   * A peer wants into a room and may, as far as the protocol goes. `refuse(...)` says no; `refuse("unavailable")` that nobody
   * can tell just now. `admit(...)` says yes, and what there is to say of the member. Of several plug-ins that do, each
   * can but restrict it more; who it is and its status, the first one says.
   */
  join?: Deciding<Join<Data>>
  /**
   * A plain HTTP request wants to know of rooms (TogetherJS's /findroom and /load) or of peers (PeerJS's /peers). Says of
   * which rooms, by their names, it may know; of all, if it says nothing.
   */
  look?(request: Request, visitor: Visitor): Looking | Promise<Looking>
  /** Further fields of `joined_room`, asked at the moment the peer has become a member. */
  decorate?(connection: Connection<Data>, room: Room): Fields | undefined
  /** New client events by their name, made by onEvent. */
  events?: Readonly<Record<string, EventHandler<Data>>>
  /** What happens at this node, after it did. */
  observe?: Observe
  /** A message of this plug-in at another node, or at this one: see Server.tell. */
  told?(message: unknown, room: string, from: string): void
  /** HTTP answers by exact path, for everybody or on the administration listener. */
  routes?: { readonly public?: Routes; readonly admin?: Routes }
  /** Metrics by name, shown as `palava_<plug-in>_<name>`: a counter when the name ends in `_total`, else a gauge. */
  metrics?: Readonly<Record<string, Metric>>
  /** Bytes that it keeps for clients, such as what waits to be sent elsewhere: they count against `--memory-mb`. */
  keeps?(): number
}

/** Where a request comes from. */
export interface Visitor {
  /** With trusted proxies looked through: dotted decimal, or IPv6 as RFC 5952 writes it. */
  readonly address: string
  /**
   * What its client speaks: `palava`, `peerjs`, `simplewebrtc`, `togetherjs`, `webrtc-io` or `y-webrtc`; undefined for a
   * WebSocket whose first message will tell.
   */
  readonly dialect: string | undefined
}

/** What there is to say of a member. It is the same member with the same rights when its client comes back, at any node. */
export interface Grant {
  /** Who it is, whatever it calls itself: `connection.identity`. */
  readonly identity?: string
  /** Keys of its status that it cannot choose, also later; for clients that speak palava. */
  readonly status?: Fields
  /** Most members of the room with it, if that is less than the room may have. */
  readonly peers?: number
  /** When its time is over, in unix milliseconds: it is told `unauthorized`, and closed with 4501. */
  readonly until?: number
  /** All it may do; `send` and `status`, if not said. */
  readonly can?: readonly ("send" | "status" | "lock")[]
  /** For PeerJS, where an id is a room: the ids it may send to, or with `*` at the end how they begin. All, if not said. */
  readonly reach?: readonly string[]
}

/** An answer to who wants to know of rooms. */
export type Looking = Refusal | ((roomId: string) => boolean) | undefined

/** A wish to join. */
export interface Join<Data = unknown> {
  /** What the client speaks; see Visitor. A room has members of one dialect. */
  readonly dialect: string
  readonly connection: Connection<Data>
  /** The room's name, as only its members know it. */
  readonly roomId: string
  /** The room as the server knows it: a hash of the name. */
  readonly room: string
  readonly status: Fields
  /** Everything in the `join_room` message, so a client can bring more than the protocol asks for. */
  readonly fields: Fields
}

/** One client's connection, at this node. */
export interface Connection<Data = unknown> {
  /** The public peer id. */
  readonly peer: string
  /** Who it is in its room, as a plug-in said by `admit`. */
  readonly identity: string | undefined
  /** What this plug-in's `connect` returned. */
  readonly data: Data
  /** The room it is in. */
  readonly room: Room | undefined
  readonly status: Fields
  readonly isOpen: boolean
  send(event: string, fields?: Fields): void
  /** Ends it: 4000-4499 may come back, 4500-4999 stay away. */
  close(code: number, reason: string): void
}

/** A room with members at this node. Every node's members are in it. */
export interface Room {
  /** The hash of its name. */
  readonly key: string
  /** All members, oldest first, in the same order on every node. */
  readonly members: readonly Member[]
  /** Sends an event to every member, in order with joins and leaves. */
  publish(event: string, fields?: Fields): void
  /** Sends an event to one member; false when there is no such member. */
  send(peer: string, event: string, fields?: Fields): boolean
  /** Tells this plug-in at every other node with members in the room. */
  tell(message: unknown): void
}

/** A peer in a room. */
export interface Member {
  readonly peer: string
  /** The node that holds its connection; compare with `server.node`. */
  readonly node: string
  readonly status: Fields
}

/** The server as a plug-in sees it. */
export interface Server {
  readonly version: string
  readonly log: Log
  /** This run of this server; every node has its own. Like all below, it is there for hooks, not yet in `setup`. */
  readonly node: string
  /** An open connection of this node. */
  connection(peer: string): Connection | undefined
  /** A room with members at this node. */
  room(key: string): Room | undefined
  /** The members of any room, wherever they are, oldest first; asks Redis when there is one. */
  members(room: string): Promise<readonly Member[]>
  /**
   * Calls `told` of this plug-in at `node`, maybe this one, with what JSON carries of the message. At most once:
   * a node that is gone hears nothing. In order with the events of the room, which the other node need not know.
   */
  tell(node: string, room: string, message: unknown): void
}

/** Log lines in the server's format, marked with the plug-in's name. */
export interface Log {
  error(message: string, fields?: object): void
  warn(message: string, fields?: object): void
  info(message: string, fields?: object): void
  debug(message: string, fields?: object): void
}

/** What a handler of a client event is given. */
export interface Received<Output, Data = unknown> {
  readonly connection: Connection<Data>
  /** The checked fields. */
  readonly fields: Output
  /** Answers, with the request's `ref`. */
  reply(event: string, fields?: Fields): void
}

/**
 * What happens at this node, each thing once in the whole cluster: peers of other nodes are observed there, and the leaves
 * of a node that was killed at the node that takes its members out. Rooms are told by their hash, never by name.
 */
export interface Observe {
  connected?(peer: string): void
  disconnected?(peer: string): void
  joined?(peer: string, room: string): void
  left?(peer: string, room: string, stayedMs: number): void
  statusUpdated?(peer: string, room: string, status: Fields): void
  /** A message from peer to peer; its text is not looked at. */
  relayed?(from: string, to: string, characters: number): void
  /** A client got an error event. */
  refused?(peer: string, error: string): void
  roomOpened?(room: string): void
  roomClosed?(room: string, peak: number, openMs: number): void
}

/** Paths and what answers them; `address` is where the visitor is, as in Hooks.connect, and empty for an operator's. */
export type Routes = Readonly<Record<string, (request: Request, address: string) => Response | Promise<Response>>>

/** One number, or with `label` one per key. Read when somebody asks. */
export interface Metric {
  readonly help: string
  readonly label?: string
  read(): number | Readonly<Record<string, number>>
}

/** A handler with its schema. */
export interface EventHandler<Data = unknown> {
  readonly schema: Schema
  readonly handle: Answering<Received<never, Data>>
}

/** A function that may say no with `return refuse(...)`, at once or later. */
export type Answering<Asked> =
  | ((asked: Asked) => void | Promise<void>)
  | ((asked: Asked) => Refusal | undefined | Promise<Refusal | undefined>)

/** A function that may say no with `return refuse(...)`, and more than yes with `return admit(...)`, at once or later. */
export type Deciding<Asked> =
  | ((asked: Asked) => void | Promise<void>)
  | ((asked: Asked) => Refusal | Admission | undefined | Promise<Refusal | Admission | undefined>)

/** A refusal of a join or an event: an error event for the client. */
export interface Refusal {
  readonly kind: "refusal"
  readonly id: string
  readonly message: string
}

/** A yes to a wish to join. */
export interface Admission {
  readonly kind: "admission"
  readonly grant: Grant
}

/** A refusal of a connection. */
export interface Closing {
  readonly kind: "closing"
  readonly code: number
  readonly reason: string
}

/** Makes a plug-in; it adds nothing but the types. */
export declare function definePlugin<Options = undefined, Data = unknown>(
  plugin: Plugin<Options, Data>,
): Plugin<Options, Data>

/** Makes the handler of a client event whose fields must fit `schema`; others are answered with `invalid_message`. */
export declare function onEvent<Output, Data = unknown>(
  schema: Schema<Output>,
  handle: Answering<Received<Output, Data>>,
): EventHandler<Data>

/** Says no with an error event: an id in snake_case, and a text for people (the id's, if not given). */
export declare function refuse(id: string, message?: string): Refusal

/** Says yes to a wish to join, and what there is to say of the member. */
export declare function admit(grant: Grant): Admission

/** Turns a connection away: 4000-4499 may come back, 4500-4999 stay away. */
export declare function closeWith(code: number, reason: string): Closing
