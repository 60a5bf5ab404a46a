// node-redis clients as we want them: no queue while offline, no reconnecting by themselves, everything else from the
// URL. What to do when one fails is the connection's business.

import { isIP } from "node:net"
import { createClient, createCluster } from "redis"

/** A client of one Redis. */
export type Client = ReturnType<typeof createClient>

/** A client of a cluster. */
export type Cluster = ReturnType<typeof createCluster>

/** Whom to trust and what to show over TLS; PEM texts. */
export interface RedisTls {
  /** Of the authority, in place of those the system knows. */
  readonly ca?: string
  /** Of this client, and its key. */
  readonly cert?: string
  readonly key?: string
}

/** Where a Redis is and how to log in. */
export interface Place {
  readonly host: string
  readonly port: number
  /** Undefined is plain TCP. */
  readonly tls: RedisTls | undefined
  readonly username: string | undefined
  readonly password: string | undefined
  readonly database: number
}

const DEFAULT_PORT = 6379

// 5 s: TCP keep-alives on an idle link, for the firewalls on the way.
const KEEP_ALIVE_MS = 5000

/** Reads `redis://[user[:password]@]host[:port][/database]`, or `rediss://` for TLS. Throws on anything else. */
export function toPlace(url: string, tls: RedisTls = {}): Place {
  const { protocol, hostname, port, username, password, pathname } = new URL(url)
  if (protocol !== "redis:" && protocol !== "rediss:") throw new TypeError(`not a Redis URL: ${protocol}//${hostname}`)
  const database = Number(pathname.slice(1))
  if (!Number.isInteger(database)) throw new TypeError(`not a database number in the Redis URL: ${pathname}`)
  return {
    host: hostname.replace(/^\[|\]$/g, ""),
    port: port === "" ? DEFAULT_PORT : Number(port),
    tls: protocol === "rediss:" ? tls : undefined,
    username: username === "" ? undefined : decodeURIComponent(username),
    password: password === "" ? undefined : decodeURIComponent(password),
    database,
  }
}

/** Clients that have their socket. */
const connected = new WeakSet<object>()

/** A client of the Redis at `place`, not yet connected; `name` is what CLIENT LIST shows. */
export function makeClient(place: Place, name: string, connectMs: number): Client {
  const client: Client = createClient({
    ...toOptions(place, name, connectMs),
    database: place.database,
  })
  return client.once("connect", () => connected.add(client))
}

/**
 * Cuts a client off. One that is just connecting is cut as soon as it has its socket: node-redis would forget it, and a
 * subscriber would come up all the same and take messages that nobody reads. One that failed has closed itself and
 * rejects; then there is nothing to cut.
 */
export function drop(client: Client | Cluster): void {
  const cut = () => client.disconnect().catch(() => {})
  const isConnecting = !("slots" in client) && client.isOpen && !connected.has(client)
  // A turn later: what it says first must be on its way, or nobody takes care of the failure of that.
  if (isConnecting) client.once("connect", () => queueMicrotask(cut))
  else cut()
}

/** A client of the cluster that some of `places` belong to, not yet connected. Connects to a master when it is needed. */
export function makeCluster(places: readonly Place[], name: string, connectMs: number): Cluster {
  const [first] = places
  if (first === undefined) throw new TypeError("no node of the Redis cluster given")
  return createCluster({
    rootNodes: places.map(({ host, port }) => ({ socket: { host, port } })),
    defaults: toOptions(first, name, connectMs),
    minimizeConnections: true,
  })
}

function toOptions({ host, port, tls, username, password }: Place, name: string, connectMs: number) {
  const socket = { host, port, connectTimeout: connectMs, keepAlive: KEEP_ALIVE_MS, reconnectStrategy: false } as const
  return {
    name,
    disableOfflineQueue: true,
    disableClientInfo: true,
    // A name is told in the handshake and looked for in the certificate; an address only looked for (RFC 6066 section 3).
    socket:
      tls === undefined
        ? socket
        : { ...socket, tls: true as const, ...tls, ...(isIP(host) === 0 ? { servername: host } : {}) },
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
  }
}
