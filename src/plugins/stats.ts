// Usage statistics: counts the hours where no Redis does it, answers /stats and its page for operators, and has closed
// hours exported. What an hour is, and how one is exported exactly once, is in src/stats.

import { Export, untilClosed } from "../stats/export.ts"
import { HOUR, type HourCounter, type HourStore, hourOf } from "../stats/hours.ts"
import { toCsv, toJson } from "../stats/report.ts"
import { openSink } from "../stats/sinks.ts"
import type { Observe } from "./contract.ts"
import { CONTRACT, definePlugin } from "./define.ts"

/** What the statistics are made of. */
export interface StatsOptions {
  readonly hours: HourStore
  readonly days: number
  /** A file or URL; empty for none. */
  readonly exportTo: string
  /** Answers /stats.html. */
  readonly page: (request: Request) => Response
}

/** 30 s after a failed export until the next try. */
const RETRY_MS = 30_000

/** 5 s at most by which nodes look at different times. */
const JITTER_MS = 5000

/** 7 days, when nobody says which hours. */
const DEFAULT_HOURS = 7 * 24

/** 366 days: a year of hours, some megabytes. */
const MOST_HOURS = 366 * 24

/** The plug-in for these hours. */
export function statsPlugin({ hours, days, exportTo, page }: StatsOptions) {
  return definePlugin({
    name: "stats",
    contract: CONTRACT,
    timeoutSeconds: 15,
    setup: ({ log }) => {
      let job: Export | undefined
      let timer: Timer | undefined
      let running: Promise<void> | undefined
      let isStopped = false
      let failures = 0

      function runIn(ms: number): void {
        if (isStopped) return
        timer = setTimeout(() => {
          running = run()
        }, ms)
      }

      async function run(): Promise<void> {
        try {
          runIn(((await job?.run()) ?? HOUR * 1000) + Math.random() * JITTER_MS)
        } catch (cause) {
          failures++
          log.warn("the closed hours of the statistics will be looked at again", { err: cause })
          runIn(RETRY_MS)
        }
      }

      return {
        async start() {
          const sink = exportTo === "" ? undefined : await openSink(exportTo)
          job = new Export({ hours, sink, days })
          // Without a sink there is nothing to catch up with, and a node starts without one more connection to Redis.
          if (sink === undefined) runIn(untilClosed(Date.now()) + Math.random() * JITTER_MS)
          else running = run()
        },
        async stop() {
          isStopped = true
          clearTimeout(timer)
          await running
          await hours.close()
        },
        ...(hours.counter === undefined ? {} : { observe: countInto(hours.counter) }),
        routes: {
          admin: {
            "/stats": (request: Request) => answerStats(request, hours, days),
            "/stats.html": page,
          },
        },
        metrics: {
          exported_total: { help: "Closed hours this node has exported.", read: () => job?.written ?? 0 },
          export_failures_total: { help: "Exports that failed and are tried again.", read: () => failures },
        },
      }
    },
  })
}

function countInto(counter: HourCounter): Observe {
  return {
    left: (_peer, _room, stayedMs) => counter.countStay(stayedMs),
    roomClosed: (_room, peak) => counter.countRoom(peak),
  }
}

/** `GET /stats?from=&to=&format=`: times in ISO 8601 or unix seconds; CSV when asked for by `Accept` or `format=csv`. */
async function answerStats(request: Request, hours: HourStore, days: number): Promise<Response> {
  if (request.method !== "GET" && request.method !== "HEAD") {
    return new Response("use GET\n", { status: 405, headers: { allow: "GET, HEAD" } })
  }
  const { searchParams } = new URL(request.url, "http://localhost")
  const to = readTime(searchParams.get("to")) ?? Date.now()
  const last = hourOf(to)
  const from = readTime(searchParams.get("from")) ?? (last - (DEFAULT_HOURS - 1) * HOUR) * 1000
  const first = hourOf(from)
  if (Number.isNaN(first) || Number.isNaN(last)) {
    return new Response("from and to must be times such as 2026-11-23T00:00:00Z, or unix seconds\n", { status: 400 })
  }
  if (first > last) return new Response("from must not be after to\n", { status: 400 })
  if ((last - first) / HOUR >= MOST_HOURS) {
    return new Response(`at most ${MOST_HOURS / 24} days in one answer\n`, { status: 400 })
  }
  let counts: Awaited<ReturnType<HourStore["read"]>>
  try {
    counts = await hours.read(first, last)
  } catch {
    return new Response("the statistics cannot be read now\n", { status: 503, headers: { "retry-after": "5" } })
  }
  const headers = { "cache-control": "no-store", vary: "accept" }
  const wantsCsv = searchParams.get("format") === "csv" || /\btext\/csv\b/.test(request.headers.get("accept") ?? "")
  return wantsCsv
    ? new Response(toCsv(counts), {
        headers: { ...headers, "content-type": "text/csv; charset=utf-8; header=present" },
      })
    : new Response(toJson(first, last, counts, { kept_days: days }), {
        headers: { ...headers, "content-type": "application/json" },
      })
}

/** Unix milliseconds; NaN for what is no time, undefined for nothing. */
function readTime(text: string | null): number | undefined {
  if (text === null || text === "") return undefined
  return /^\d{1,10}$/.test(text) ? Number(text) * 1000 : Date.parse(text)
}
