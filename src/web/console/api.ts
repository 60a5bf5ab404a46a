// What the server answers, as far as this page shows it, and how it is asked. The shapes are those of docs/admin.md.

export interface NodeReport {
  readonly node: string
  readonly version: string
  readonly started_at: number
  readonly reasons: readonly string[]
  readonly log_level: string
  readonly connections: number
  readonly rooms: number
  readonly members: number
  readonly memory_bytes: number
  readonly lease_ms: number | null
  readonly totals: Totals
}

export interface Totals {
  readonly cpu_seconds: number
  readonly joins: number
  readonly relays: number
  readonly errors: number
}

interface Coverage {
  readonly silent: readonly { readonly node: string; readonly reason: string }[]
  readonly problem?: string
}

export interface NodesAnswer extends Coverage {
  readonly nodes: readonly NodeReport[]
}

export interface RoomsAnswer extends Coverage {
  readonly total: number
  readonly rooms: readonly {
    readonly room: string
    readonly members: number
    readonly nodes: readonly string[]
    readonly since: number
  }[]
  readonly gone: readonly { readonly room: string; readonly last: number }[]
}

export interface TimelineEntry {
  readonly at: number
  readonly what: string
  readonly peer?: string
  readonly to?: string
  readonly detail?: string
  readonly count?: number
  readonly candidates?: Readonly<Record<string, number>>
  readonly node?: string
}

export interface RoomAnswer extends Coverage {
  readonly room: string
  readonly members: readonly {
    readonly peer: string
    readonly node: string
    readonly since: number
    readonly held: boolean
  }[]
  readonly findings: readonly {
    readonly peers: readonly [string, string]
    readonly finding: string
    readonly text: string
  }[]
  readonly timeline: readonly TimelineEntry[]
  readonly dropped: number
}

/** 5 s: the server waits for other nodes for a second or two. */
const ANSWER_MS = 5_000

/** Asks the server; throws with a sentence for people. */
export async function ask<T>(path: string): Promise<T> {
  const response = await fetch(path, { signal: AbortSignal.timeout(ANSWER_MS) })
  const text = await response.text()
  if (response.ok) return JSON.parse(text) as T
  let message = text.trim()
  try {
    message = (JSON.parse(text) as { message: string }).message
  } catch {
    // Not every refusal is JSON.
  }
  throw new Error(message)
}

/** What the name of a room hashes to in each dialect; undefined where browsers do not hash (plain http). */
export async function keysOf(name: string): Promise<readonly string[] | undefined> {
  if (globalThis.crypto?.subtle === undefined) return undefined
  const bytes = new TextEncoder()
  const dialects = ["simplewebrtc", "togetherjs", "webrtc-io", "y-webrtc"].map((dialect) => [dialect, name] as const)
  const texts = [...dialects, ["peerjs", `peerjs\n${name}`] as const].map(([dialect, text]) =>
    // 0xff is in no UTF-8: see toRoomKey in src/rooms/ids.ts.
    Uint8Array.from([0xff, ...bytes.encode(`${dialect}\n${text}`)]),
  )
  return Promise.all([bytes.encode(name), ...texts].map(sha256))
}

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes))
  return [...hash].map((byte) => byte.toString(16).padStart(2, "0")).join("")
}
