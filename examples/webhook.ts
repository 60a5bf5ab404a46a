// Tells another server who came and who left: HTTP POST of {"id","node","events":[{"event","peer_id","room","at"}]}.
// Nothing identifies anybody: a peer id is random, a room is the hash of its name.
//
// Each request carries `x-palava-signature: sha256=<hex HMAC-SHA256 of the body>`. What is not answered with 2xx is sent
// again, with the same id, after a growing pause; meanwhile events wait in a queue. When that is full, whoever has most in
// it loses its oldest: one address that joins and leaves all day costs nobody else an event, nor a place in the order.

import { createHmac } from "node:crypto"
import { definePlugin, v } from "palava-machine"
import { sourceOf } from "./source-of.ts"

interface HookEvent {
  readonly event: "joined" | "left"
  readonly peer_id: string
  readonly room: string
  /** Unix milliseconds. */
  readonly at: number
  readonly stayed_ms?: number
}

/** 100 events a request: some 20 KB. */
const BATCH = 100

/** 300 bytes: what an event takes that waits. */
const EVENT_BYTES = 300

/** 10 s: a receiver that takes longer will be asked again. */
const REQUEST_MS = 10_000

/** Whose events those are of peers that were at a node which is gone. */
const ELSEWHERE = "elsewhere"

/** Events that wait, by whom they are of; those of one come out in their order, and nobody waits for another's. */
class FairQueue {
  size = 0
  readonly #waiting = new Map<string, HookEvent[]>()

  /** @returns how many were dropped to keep to `most` */
  add(source: string, event: HookEvent, most: number): number {
    const own = this.#waiting.get(source)
    if (own === undefined) this.#waiting.set(source, [event])
    else own.push(event)
    this.size++
    if (this.size <= most) return 0
    this.#takeOne(this.#greediest(source))
    return 1
  }

  /** The next `most` of them, one of each source after the other. */
  take(most: number): HookEvent[] {
    const taken: HookEvent[] = []
    while (taken.length < most && this.size > 0) {
      for (const [source, own] of [...this.#waiting].slice(0, most - taken.length)) {
        taken.push(this.#takeOne(source) as HookEvent)
        // To the end of the line.
        if (this.#waiting.delete(source) && own.length > 0) this.#waiting.set(source, own)
      }
    }
    return taken
  }

  /** Who has most; `hint` if it has its share already, without a look at the others. */
  #greediest(hint: string): string {
    const share = this.size / this.#waiting.size
    let [found, most] = [hint, this.#waiting.get(hint)?.length ?? 0]
    if (most > share) return hint
    for (const [source, { length }] of this.#waiting) if (length > most) [found, most] = [source, length]
    return found
  }

  #takeOne(source: string): HookEvent | undefined {
    const own = this.#waiting.get(source)
    const event = own?.shift()
    if (event !== undefined) this.size--
    if (own?.length === 0) this.#waiting.delete(source)
    return event
  }
}

export default definePlugin({
  name: "webhook",
  contract: 1,
  options: v.strictObject({
    url: v.pipe(v.string(), v.url()),
    secret: v.pipe(v.string(), v.minLength(16)),
    /** Most events that wait, all together. */
    queue: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1)), 10_000),
    /** The first pause after a failure; it doubles from there. */
    first_pause_ms: v.optional(v.pipe(v.number(), v.minValue(1)), 1000),
    longest_pause_ms: v.optional(v.pipe(v.number(), v.minValue(1)), 60_000),
  }),
  setup(server, options) {
    const waiting = new FairQueue()
    /** By peer and room: a leave may be told when the connection is gone. */
    const sources = new Map<string, string>()
    const counts = { sent: 0, retried: 0, lost: 0 }
    const stopping = new AbortController()
    let sender: Promise<void> | undefined

    function add(source: string, event: HookEvent): void {
      counts.lost += waiting.add(source, event, options.queue)
      sender ??= send().finally(() => {
        sender = undefined
      })
    }

    async function send(): Promise<void> {
      await null // Whatever happens in this turn of the event loop goes into one request.
      while (waiting.size > 0) {
        const events = waiting.take(BATCH)
        await deliver(JSON.stringify({ id: crypto.randomUUID(), node: server.node, events }), events.length)
      }
    }

    /** Sends until it is accepted, refused for good, or the server stops. */
    async function deliver(body: string, count: number): Promise<void> {
      const signature = `sha256=${createHmac("sha256", options.secret).update(body).digest("hex")}`
      const headers = { "content-type": "application/json", "x-palava-signature": signature }
      for (let pause = options.first_pause_ms; ; pause = Math.min(pause * 2, options.longest_pause_ms)) {
        const status = await fetch(options.url, {
          method: "POST",
          headers,
          body,
          redirect: "error",
          signal: AbortSignal.timeout(REQUEST_MS),
        }).then(
          (response) => response.status,
          () => 0,
        )
        if (status >= 200 && status < 300) {
          counts.sent += count
          return
        }
        const isForGood = status >= 400 && status < 500 && status !== 408 && status !== 429
        if (isForGood || stopping.signal.aborted) {
          counts.lost += count
          server.log.error("the webhook was not accepted", { status, events: count })
          return
        }
        counts.retried++
        // Half of the pause is random, so that many nodes do not come back in step.
        await sleep(pause / 2 + (Math.random() * pause) / 2)
      }
    }

    function sleep(ms: number): Promise<void> {
      return new Promise((resolve) => {
        const timer = setTimeout(resolve, ms)
        stopping.signal.addEventListener("abort", () => {
          clearTimeout(timer)
          resolve()
        })
      })
    }

    return {
      connect: (_request, { address }) => sourceOf(address),
      observe: {
        joined(peer_id, room) {
          const source = String(server.connection(peer_id)?.data ?? ELSEWHERE)
          sources.set(`${peer_id} ${room}`, source)
          add(source, { event: "joined", peer_id, room, at: Date.now() })
        },
        left(peer_id, room, stayed_ms) {
          const source = sources.get(`${peer_id} ${room}`) ?? ELSEWHERE
          sources.delete(`${peer_id} ${room}`)
          add(source, { event: "left", peer_id, room, at: Date.now(), stayed_ms })
        },
      },
      metrics: {
        events_sent_total: { help: "Events accepted by the receiver.", read: () => counts.sent },
        retries_total: { help: "Requests sent again.", read: () => counts.retried },
        events_lost_total: { help: "Events given up.", read: () => counts.lost },
        events_waiting: { help: "Events that wait to be sent.", read: () => waiting.size },
      },
      keeps: () => waiting.size * EVENT_BYTES,
      /** What waits gets one more try. */
      async stop() {
        stopping.abort()
        await sender
      },
    }
  },
})
