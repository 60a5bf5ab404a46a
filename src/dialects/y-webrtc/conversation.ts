// One client that speaks y-webrtc: the topics it is subscribed to, and what it publishes. The dialect has no word for an
// error: what cannot be served is counted and passed over, and who cannot be served now is parted from, as its client
// connects, subscribes and announces itself anew by itself.

import type { Holder, Membership } from "../../rooms/membership.ts"
import { enterRoom, NO_STATUS, ROOM_NAME_CHARACTERS, SILENT_ENCODER } from "../entry.ts"
import { makeHolder } from "../holder.ts"
import { type JsonObject, readObject } from "../json.ts"
import { ManyRooms } from "../many-rooms.ts"
import { publish, type RefusalParts } from "../refusal.ts"
import { topicOfPlain } from "./frame.ts"
import { countSubscribers, PUBLISHES_ONLY, SUBSCRIBERS, TOPICS } from "./topics.ts"

/** The answer to a ping, without which the client reconnects after 30 s. */
const PONG = '{"type":"pong"}'

/** What all clients of a node share. */
export interface YWebrtcParts extends RefusalParts {
  /** Whether a client may publish to a topic without being subscribed to it. */
  readonly publishAny: boolean
}

/** See the head of this file. */
export class YWebrtcConversation extends ManyRooms<YWebrtcParts> {
  onMessage(text: string): void | Promise<void> {
    const { counters } = this.parts
    const topic = topicOfPlain(text)
    const membership = topic === undefined ? undefined : this.memberships.get(topic)
    if (membership !== undefined) {
      counters.relayFrames++
      return this.#publishAs(membership, text)
    }
    const message = readObject(text)
    if (message === undefined) return this.refuse("invalid_message")
    switch (message["type"]) {
      case "publish":
        counters.countEvent("publish")
        return this.#publish(message, text)
      case "ping":
        counters.countEvent("ping")
        return this.connection.send(PONG)
      case "subscribe":
        counters.countEvent("subscribe")
        return this.#subscribe(message)
      case "unsubscribe":
        counters.countEvent("unsubscribe")
        return this.#unsubscribe(message)
      default:
        counters.countEvent("other")
    }
  }

  async #subscribe(message: JsonObject): Promise<void> {
    for (const topic of topicsOf(message)) {
      const before = this.memberships.get(topic)
      if (before !== undefined) {
        if (before.status !== PUBLISHES_ONLY) continue
        await this.#leave(topic, before)
      }
      await this.#enter(topic, message, false)
      if (this.connection.isClosed) return
    }
  }

  async #unsubscribe(message: JsonObject): Promise<void> {
    for (const topic of topicsOf(message)) {
      const membership = this.memberships.get(topic)
      if (membership !== undefined && membership.status !== PUBLISHES_ONLY) await this.#leave(topic, membership)
    }
  }

  #publish(message: JsonObject, text: string): void | Promise<void> {
    const { topic } = message as { topic?: unknown }
    if (typeof topic !== "string" || topic === "") return this.refuse("invalid_message")
    const membership = this.memberships.get(topic)
    if (membership !== undefined) return this.#publishAs(membership, text)
    if (!this.parts.publishAny) return this.refuse("not_subscribed")
    return this.#enter(topic, message, true).then(() => {
      const membership = this.memberships.get(topic)
      return membership && this.#publishAs(membership, text)
    })
  }

  /** The message as it came, with the number of subscribers as its last key, where no earlier one can change it. */
  #publishAs(membership: Membership, text: string): void | Promise<void> {
    if (!membership.maySend) return this.refuse("unauthorized")
    const frame = `${text.slice(0, text.lastIndexOf("}"))},"clients":${countSubscribers(membership.room)}}`
    return publish(this.parts, this, membership, frame, "all")
  }

  async #enter(topic: string, fields: JsonObject, publishesOnly: boolean): Promise<void> {
    if (topic.length > ROOM_NAME_CHARACTERS) return this.refuse("topic_too_long")
    if (this.memberships.size >= TOPICS) return this.refuse("too_many_topics")
    const { limits } = this.parts
    const outcome = await enterRoom(this.parts, {
      conversation: this,
      dialect: "y-webrtc",
      name: topic,
      encoder: SILENT_ENCODER,
      holder: this.#holderOf(topic, publishesOnly),
      status: publishesOnly ? PUBLISHES_ONLY : NO_STATUS,
      limit: Math.max(SUBSCRIBERS, limits.roomSize),
      fields,
    })
    this.partAfter(outcome)
  }

  async #leave(topic: string, membership: Membership): Promise<void> {
    this.memberships.delete(topic)
    await this.parts.rooms.commands.leave(membership)
  }

  /** A holder for each membership; one that only publishes is not told what others publish. */
  #holderOf(topic: string, publishesOnly: boolean): Holder {
    const memberships = this.memberships
    const holder = makeHolder(this.connection, {
      onJoined: (membership) => void memberships.set(topic, membership),
      // Ids are the server's: nobody else comes under one of them.
      onTakenOver: () => {},
      onReplaced: () => void memberships.delete(topic),
      onRelayFailed: () => {},
    })
    if (publishesOnly) holder.subscribe = () => {}
    return holder
  }
}

/** The names in a message; whatever else is in its list is passed over. */
function topicsOf({ topics }: JsonObject): string[] {
  return Array.isArray(topics) ? topics.filter((topic) => typeof topic === "string") : []
}
