// Asks the nodes of a cluster, this one among them, and waits for their answers: bounded in time, in number and in size.
// What is asked and answered travels as relays do, to a place at each node (src/rooms/cross-relays.ts); what it means is
// local-node.ts's business.

import type { Clock } from "../clock.ts"
import type { CrossRelays } from "../rooms/cross-relays.ts"
import { type NodeId, type PeerId, toRoomKey } from "../rooms/ids.ts"
import type { Coverage, SilentNode } from "./reports.ts"

/** 1 s: a healthy node answers within milliseconds, and the operator waits. */
const ANSWER_MS = 1_000

/** 64 questions under way: more than a handful of consoles and commands ask at once. */
const MOST_OPEN = 64

/** 512 Ki characters: the 1,000 rooms or the thousand entries of an answer take a quarter of it. */
const MOST_CHARACTERS = 512 * 1024

/** 1,000 nodes: more than any deployment has. */
const MOST_NODES = 1_000

/** The room whose channel carries it all: nobody can be in it, as no dialect has this name. */
const CHANNEL = toRoomKey("", "operators")

/** Too much is asked at once; temporary. */
export class TooManyQuestions extends Error {
  override name = "TooManyQuestions"
}

/** What each node has to say, and who did not. */
export interface Answers<T> extends Coverage {
  readonly answers: ReadonlyMap<NodeId, T>
}

/** What questions are asked with. */
export interface QuestionsParts {
  readonly node: NodeId
  readonly crossRelays: Pick<CrossRelays, "listen" | "tell">
  readonly clock: Clock
  /** The nodes that live; rejects when that cannot be known now. */
  readonly nodes: () => Promise<ReadonlyMap<NodeId, unknown>>
  /** Answers for this node; what it throws is the reason why there is no answer. */
  readonly answer: (question: unknown, from: NodeId) => unknown
}

/** A question under way. */
interface Open {
  readonly waiting: Set<NodeId>
  readonly answers: Map<NodeId, unknown>
  readonly failed: SilentNode[]
  readonly onComplete: () => void
}

/** What is said between nodes. */
interface Message {
  /** Number of the question at the node that asks it. */
  readonly id: number
  readonly question?: unknown
  readonly answer?: unknown
  readonly failure?: string
}

/** See the head of this file. */
export class Questions {
  readonly #parts: QuestionsParts
  readonly #place: PeerId
  readonly #open = new Map<number, Open>()
  #lastId = 0

  constructor(parts: QuestionsParts) {
    this.#parts = parts
    this.#place = parts.crossRelays.listen("operators", {
      onTold: (_room, from, text) => this.#onTold(from, text),
      // Whoever did not hear it does not answer in time.
      onFailed: () => {},
    })
  }

  /**
   * Asks every node, or those that `isAsked` names.
   * @throws TooManyQuestions
   */
  async ask<T>(question: object, isAsked: (node: NodeId) => boolean = () => true): Promise<Answers<T>> {
    if (this.#open.size >= MOST_OPEN) throw new TooManyQuestions("too much is asked at once, try again")
    const { node: own, answer } = this.#parts
    const { others, problem } = await this.#others()
    const asked = others.filter(isAsked)
    const answers = new Map<NodeId, unknown>()
    if (isAsked(own)) answers.set(own, answer(question, own))
    const failed: SilentNode[] = []
    if (asked.length > 0) await this.#collect(question, asked, answers, failed)
    return { answers: answers as Map<NodeId, T>, silent: failed, ...(problem === undefined ? {} : { problem }) }
  }

  async #others(): Promise<{ others: NodeId[]; problem?: string }> {
    const { nodes, node: own, clock } = this.#parts
    const late = Promise.withResolvers<never>()
    const stop = clock.after(ANSWER_MS, () => late.reject(new Error("late")))
    try {
      const all = await Promise.race([nodes(), late.promise])
      return { others: [...all.keys()].filter((node) => node !== own).slice(0, MOST_NODES) }
    } catch {
      return { others: [], problem: "Redis cannot be reached: only this node was asked" }
    } finally {
      stop()
    }
  }

  async #collect(
    question: object,
    asked: readonly NodeId[],
    answers: Map<NodeId, unknown>,
    failed: SilentNode[],
  ): Promise<void> {
    const { crossRelays, clock } = this.#parts
    const id = ++this.#lastId
    const waiting = new Set(asked)
    const isComplete = Promise.withResolvers<void>()
    this.#open.set(id, { waiting, answers, failed, onComplete: isComplete.resolve })
    const stop = clock.after(ANSWER_MS, isComplete.resolve)
    const text = JSON.stringify({ id, question } satisfies Message)
    for (const node of asked) crossRelays.tell(node, this.#place, CHANNEL, text)
    await isComplete.promise
    stop()
    this.#open.delete(id)
    for (const node of waiting) failed.push({ node, reason: `no answer within ${ANSWER_MS / 1000} s` })
  }

  #onTold(from: NodeId, text: string): void {
    const message = read(text)
    if (message === undefined) return
    const { id, question, answer, failure } = message
    if (question !== undefined) {
      this.#answer(from, id, question)
      return
    }
    const open = this.#open.get(id)
    if (open?.waiting.delete(from) !== true) return
    if (failure === undefined) open.answers.set(from, answer)
    else open.failed.push({ node: from, reason: String(failure) })
    if (open.waiting.size === 0) open.onComplete()
  }

  #answer(from: NodeId, id: number, question: unknown): void {
    const { answer, crossRelays } = this.#parts
    let text: string
    try {
      text = JSON.stringify({ id, answer: answer(question, from) ?? null } satisfies Message)
      if (text.length > MOST_CHARACTERS) throw new RangeError("the answer is too large")
    } catch (cause) {
      text = JSON.stringify({ id, failure: (cause as Error).message } satisfies Message)
    }
    crossRelays.tell(from, this.#place, CHANNEL, text)
  }
}

/** Other versions may say what is unknown here. */
function read(text: string): Message | undefined {
  try {
    const message: unknown = JSON.parse(text)
    return typeof message === "object" && message !== null && "id" in message ? (message as Message) : undefined
  } catch {
    return undefined
  }
}
