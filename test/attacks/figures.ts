// What Linux and the node itself say of a node's memory, time and event loop.

import { readFileSync } from "node:fs"
import type { TestNode } from "../helpers/node.ts"

/** Megabytes (proc(5), status: VmRSS now, VmHWM at most). */
export function residentOf({ pid }: TestNode, line: "VmRSS" | "VmHWM" = "VmRSS"): number {
  const [, kilobytes] = new RegExp(`${line}:\\s+(\\d+)`).exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? []
  return Number(kilobytes) / 1024
}

/** Seconds of user and system time (proc(5): fields 14 and 15, in hundredths on Linux). */
export function cpuOf({ pid }: TestNode): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? []
  return (Number(fields[11]) + Number(fields[12])) / 100
}

/** Seconds its main thread could have run and no core was free (sched-stats.rst: the second number, in nanoseconds). */
export function waitedOf({ pid }: TestNode): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/schedstat`, "utf8").split(" ")[1]) / 1e9
}

/** Time of all cores, and that with nothing to do (proc(5): the first line, idle and iowait). */
export function machineTimes(): { all: number; idle: number } {
  const times = (readFileSync("/proc/stat", "utf8").split("\n")[0] ?? "").split(/\s+/).slice(1).map(Number)
  return { all: times.reduce((sum, time) => sum + time, 0), idle: (times[3] ?? 0) + (times[4] ?? 0) }
}

/** Looks at the loop up to each bucket, in seconds. */
export async function lagsOf({ adminUrl }: TestNode): Promise<Map<number, number>> {
  const text = await (await fetch(`${adminUrl}metrics`)).text()
  const buckets = text.matchAll(/^palava_event_loop_lag_seconds_bucket\{le="([^"]+)"\} (\d+)/gm)
  return new Map([...buckets].map(([, le = "", count]) => [le === "+Inf" ? 60 : Number(le), Number(count)]))
}

/** The upper bound of the bucket that the worst of the looks in between is in, in milliseconds. */
export function worstLag(before: ReadonlyMap<number, number>, after: ReadonlyMap<number, number>): number {
  const total = (after.get(60) ?? 0) - (before.get(60) ?? 0)
  for (const [seconds, count] of after) if (count - (before.get(seconds) ?? 0) >= total) return seconds * 1000
  return 60_000
}
