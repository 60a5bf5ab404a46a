// Tells another server who came and who left: HTTP POST of {"id","node","events":[{"event","peer_id","room","at"}]}.
// Nothing identifies anybody: a peer id is random, a room is the hash of its name.
//
// Each request carries `x-palava-signature: sha256=<hex HMAC-SHA256 of the body>`. What is not answered with 2xx is sent
// again, with the same id, after a growing pause; meanwhile events wait in a queue, and when that is full the oldest go.

import { createHmac } from "node:crypto"
import { definePlugin, v } from "palava-machine"

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

/** 10 s: a receiver that takes longer will be asked again. */
const REQUEST_MS = 10_000

export default definePlugin({
  name: "webhook",
  contract: 1,
  options: v.strictObject({
    url: v.pipe(v.string(), v.url()),
    secret: v.pipe(v.string(), v.minLength(16)),
    /** Most events that wait. */
    queue: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1)), 10_000),
    /** The first pause after a failure; it doubles from there. */
    first_pause_ms: v.optional(v.pipe(v.number(), v.minValue(1)), 1000),
    longest_pause_ms: v.optional(v.pipe(v.number(), v.minValue(1)), 60_000),
  }),
  setup(server, options) {
    const waiting: HookEvent[] = []
    const counts = { sent: 0, retried: 0, lost: 0 }
    const stopping = new AbortController()
    let sender: Promise<void> | undefined

    function add(event: HookEvent): void {
      waiting.push(event)
      if (waiting.length > options.queue) {
        waiting.shift()
        counts.lost++
      }
      sender ??= send().finally(() => {
        sender = undefined
      })
    }

    async function send(): Promise<void> {
      await null // Whatever happens in this turn of the event loop goes into one request.
      while (waiting.length > 0) {
        const events = waiting.splice(0, BATCH)
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
      observe: {
        joined: (peer_id, room) => add({ event: "joined", peer_id, room, at: Date.now() }),
        left: (peer_id, room, stayed_ms) => add({ event: "left", peer_id, room, at: Date.now(), stayed_ms }),
      },
      metrics: {
        events_sent_total: { help: "Events accepted by the receiver.", read: () => counts.sent },
        retries_total: { help: "Requests sent again.", read: () => counts.retried },
        events_lost_total: { help: "Events given up.", read: () => counts.lost },
        events_waiting: { help: "Events that wait to be sent.", read: () => waiting.length },
      },
      /** What waits gets one more try. */
      async stop() {
        stopping.abort()
        await sender
      },
    }
  },
})
