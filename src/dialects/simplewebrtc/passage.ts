// Polling where a client's next request may reach any node: it leads to a WebSocket, and to nothing else. No node keeps
// anything of it. The node whose WebSocket the client gets opens the connection, by the id the client was given.
//
// The client asks for that by itself as soon as it has its id. Its library sends nothing before the server says it is
// connected, which is said over the WebSocket only; so there is nothing that one node would have to pass on to another.

import { randomUUID } from "node:crypto"
import { type Clock, sleep } from "../../clock.ts"
import type { Admission } from "../contract.ts"
import { answerOk, answerPackets, refuse } from "./answers.ts"
import { ENGINE_NOOP, opened, type PingTimes } from "./packets.ts"
import { MOST_POLLING, type Polling, type PollingRequest } from "./polling.ts"

/**
 * 200 ms: a client that has its WebSocket waits for the GET under way before it goes on, so this is what connecting
 * takes longer at most; shorter, and those whose WebSocket is slow to come would ask too often.
 */
const POLL_MS = 200

/**
 * 60 s from the first request to the WebSocket: a client that cannot have one is told so, and begins again at its own
 * pace. The clocks of the nodes may differ by less.
 */
const VALID_MS = 60_000

/** When it was made, as 8 digits to the base of 36, and a UUID. */
const SID = /^([0-9a-z]{8})-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

const BASE = 36

/** See the head of this file. */
export class Passage implements Polling {
  readonly #clock: Clock
  readonly #times: PingTimes
  #waiting = 0

  constructor(clock: Clock, times: PingTimes) {
    this.#clock = clock
    this.#times = times
  }

  async begin({ request, visit, isText }: PollingRequest): Promise<Response> {
    const refusal = visit.refusal()
    if (refusal !== undefined) return refusal
    const sid = `${this.#clock.unixMs().toString(BASE)}-${randomUUID()}`
    return answerPackets(request, [opened(sid, ["websocket"], this.#times)], isText)
  }

  async poll(sid: string, { request, isText }: PollingRequest): Promise<Response> {
    if (!this.#isValid(sid)) return refuse(request, "sessionUnknown")
    if (this.#waiting >= MOST_POLLING) return refuse(request, "forbidden", 503)
    this.#waiting++
    await sleep(this.#clock, POLL_MS)
    this.#waiting--
    return answerPackets(request, [ENGINE_NOOP], isText)
  }

  /** A goodbye at most: whatever it is, there is nobody to whom it would matter. */
  post(sid: string, { request }: PollingRequest): Response {
    return this.#isValid(sid) ? answerOk(request) : refuse(request, "sessionUnknown")
  }

  upgrade(sid: string, request: Request): Admission {
    if (this.#isValid(sid)) return { kind: "id", id: sid }
    return { kind: "refused", response: refuse(request, "sessionUnknown") }
  }

  #isValid(sid: string): boolean {
    const [, madeAt] = SID.exec(sid) ?? []
    if (madeAt === undefined) return false
    return Math.abs(this.#clock.unixMs() - Number.parseInt(madeAt, BASE)) <= VALID_MS
  }
}
