// One client that speaks as SimpleWebRTC does: reads its packets, and tells it what it is told. It is a member of one
// room at most. Its id is its connection's, which the client has as its own.

import { CLOSE } from "../../connections/close.ts"
import type { Connection } from "../../connections/connection.ts"
import type { PeerId } from "../../rooms/ids.ts"
import type { Membership } from "../../rooms/membership.ts"
import { iceServersFor } from "../ice.ts"
import type { SimpleWebRtcClient, SimpleWebRtcParts } from "./client.ts"
import { addresseeOf, type ClientEvent, readEvent, relayed } from "./client-events.ts"
import { findHandler } from "./handlers.ts"
import * as packets from "./packets.ts"
import { UPGRADE_MS } from "./upgrade.ts"

/** What is counted by its name; what a plug-in says is not ours. */
const ERRORS: ReadonlySet<string> = new Set([
  "full",
  "taken",
  "room_name_too_long",
  "unavailable",
  "internal",
  "unauthorized",
  "peer_unreachable",
  "invalid_message",
  "rate_limited",
])

/**
 * How it begins: by a WebSocket alone; over a session that was opened by HTTP already; or by a WebSocket that has to
 * show that the polling its client began with is over.
 */
export type Beginning = "websocket" | "session" | "probe"

/** See the head of this file. */
export class SimpleWebRtcConversation implements SimpleWebRtcClient {
  readonly connection: Connection
  membership: Membership | undefined
  isSharing = false
  readonly #parts: SimpleWebRtcParts
  readonly #onEnd: () => void
  #beginning: Beginning | "done"
  #cancelTimer: () => void = () => {}

  constructor(connection: Connection, parts: SimpleWebRtcParts, beginning: Beginning, onEnd: () => void = () => {}) {
    this.connection = connection
    this.#parts = parts
    this.#beginning = beginning
    this.#onEnd = onEnd
  }

  get maxFrameBytes(): number {
    return this.#parts.limits.maxFrameBytes
  }

  get peer(): PeerId {
    return this.connection.id as PeerId
  }

  onOpen(): void {
    const { clock, times } = this.#parts
    if (this.#beginning === "probe") {
      this.#cancelTimer = clock.after(UPGRADE_MS, () => this.connection.close(CLOSE.silent))
      return
    }
    if (this.#beginning === "websocket") this.connection.send(packets.opened(this.peer, [], times))
    this.#greet()
  }

  onMessage(packet: string): void | Promise<void> {
    if (this.#beginning === "probe") return this.#onProbe(packet)
    switch (packet[0]) {
      case "1":
        return this.connection.close(CLOSE.goodbye)
      case "2":
        return this.connection.send(`3${packet.slice(1)}`)
      case "4":
        return this.#onSocketPacket(packet)
    }
  }

  onRefused(): void {
    this.refuse("rate_limited")
  }

  onClose(): void {
    this.#cancelTimer()
    this.leave()?.catch((cause) => this.#parts.log.error({ err: cause }, "bug: a leave failed"))
    this.#onEnd()
  }

  leave(): Promise<void> | undefined {
    const { membership } = this
    if (membership === undefined) return undefined
    this.membership = undefined
    return this.#parts.commands.leave(membership)
  }

  refuse(error: string, ack?: string): void {
    const { counters, hooks } = this.#parts
    counters.countError(ERRORS.has(error) ? error : "other")
    if (ack !== undefined) this.connection.send(packets.acknowledged(ack, error))
    hooks.observer?.refused?.(this.peer, error)
  }

  sendEvent(event: string, fields: Readonly<Record<string, unknown>>): void {
    this.connection.send(packets.event(event, fields))
  }

  #greet(): void {
    this.#beginning = "done"
    const { clock, ice } = this.#parts
    this.connection.send(packets.CONNECTED)
    for (const packet of packets.iceServers(iceServersFor(ice, this.peer, clock.unixMs()))) this.connection.send(packet)
  }

  #onProbe(packet: string): void {
    if (packet === packets.PROBE) this.connection.send(packets.PROBE_ANSWER)
    else if (packet === packets.UPGRADE) {
      this.#cancelTimer()
      this.#greet()
    } else this.connection.close(CLOSE.protocol)
  }

  #onSocketPacket(packet: string): void | Promise<void> {
    // The client leaves, and closes the connection itself.
    if (packet === "41") return this.leave()
    if (packet[1] !== "2") return
    const event = readEvent(packet)
    if (event === undefined) return this.refuse("invalid_message")
    if (event.name === "message") return this.#relay(event)
    const handler = findHandler(event.name)
    this.#parts.counters.countEvent(handler === undefined ? "other" : event.name)
    return handler?.(this.#parts, this, event)
  }

  /** To members of its own room only; of anybody else, nothing is said. */
  #relay(event: ClientEvent): void {
    const { counters, commands } = this.#parts
    counters.relayFrames++
    const { membership } = this
    const to = addresseeOf(event)
    if (membership === undefined || to === undefined) return
    if (!membership.maySend) this.refuse("unauthorized")
    else commands.relay(membership, to as PeerId, relayed(event, membership.peer), undefined)
  }
}
