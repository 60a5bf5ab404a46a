// What the cluster asks of Redis, and all it knows of it: links that are opened and lost, and what goes over them. One
// backend is in redis/; the simulation of the tests brings another, with the same scripts and the same cluster above.

import type { Clock } from "../clock.ts"
import type { ClusterCounters } from "./counters.ts"

/** A word of a command. */
export type Word = string | Buffer

/** What Redis answers: text arrives as bytes. */
export type Reply = number | Buffer | null | Reply[]

/** One Lua file and the names of what it takes. A name with `...` at its end stands for any number, and comes last. */
export interface Script<Key extends string = string, Arg extends string = string> {
  readonly name: string
  readonly text: string
  readonly sha1: string
  readonly keys: readonly Key[]
  readonly args: readonly Arg[]
}

/** A script with everything it needs, ready to be sent (again). */
export interface ScriptCall {
  readonly script: Script
  readonly keys: readonly string[]
  readonly args: readonly Word[]
}

/** The link was lost, or Redis cannot serve just now: the outcome of the command is unknown, try it on the next. */
export class LinkLost extends Error {
  override name = "LinkLost"
}

/** What a link is opened with. */
export interface LinkOptions {
  /** The own channel of each partition, by partition. */
  readonly channels: readonly string[]
  /** Milliseconds after which something unanswered means that the link is dead. */
  readonly answerMs: number
  readonly clock: Clock
  readonly counters: ClusterCounters
  /** A message on the channel of `partition`. */
  onMessage(partition: number, message: Buffer): void
}

/**
 * One life of the connections to Redis. It is never repaired: at the first sign of trouble all of it is lost, and another
 * is opened. So what came over one link is one history of the data, and what came over another may be of an older one.
 */
export interface Link {
  /** Resolves when it is connected and subscribed; rejects with LinkLost, at the latest after the answer deadline. */
  readonly opened: Promise<void>
  /** Resolves with the reason when it is lost or closed. Never holds a user or a password. */
  readonly lost: Promise<string>
  /** Whether commands can be sent, once opened. */
  readonly isAlive: boolean
  /** The command with which one publishes: sharded in a cluster. */
  readonly publishWord: string
  /** Runs a script. Rejects with LinkLost, or with another error when it is a bug of ours; all below likewise. */
  run(call: ScriptCall): Promise<Reply>
  /** Publishes to a node's channel: how many heard it. */
  publish(channel: string, message: Buffer): Promise<number>
  /** The members of a set. */
  readSet(key: string): Promise<string[]>
  /** The score of a member of a sorted set. */
  readScore(key: string, member: string): Promise<number | undefined>
  /** The members of a sorted set with their scores. */
  readScores(key: string): Promise<Map<string, number>>
  /** Sends a heartbeat to each own channel that has none on its way; one that does not come back shows a dead link. */
  beat(): void
  /** Gives all of it up at once. */
  close(reason: string): void
}

/** Where links lead to. */
export interface Backend {
  /** For logs and people: host and port, never user or password. */
  readonly place: string
  /** Begins to connect. */
  open(options: LinkOptions): Link
}
