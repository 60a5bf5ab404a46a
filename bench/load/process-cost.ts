// What a server's processes cost, as the operating system counts it.
//
// CPU time comes from the scheduler's own clock (schedstat, nanoseconds) of every thread: the ticks of /proc/<pid>/stat
// are 10 ms each, which is a few per cent of a short run. Time of the collector's and the compiler's threads counts too.

import { readdirSync, readFileSync } from "node:fs"

/** User and system time of all threads of all `pids` so far, in nanoseconds. */
export function cpuNanoseconds(pids: readonly number[]): number {
  let sum = 0
  for (const pid of pids) {
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      try {
        sum += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "latin1").split(" ", 1)[0])
      } catch {
        // The thread ended between the listing and the reading.
      }
    }
  }
  return sum
}

/** Resident memory of all `pids` that belongs to them alone (no file pages, no shared libraries), in bytes. */
export function residentBytes(pids: readonly number[]): number {
  let sum = 0
  for (const pid of pids) {
    const status = readFileSync(`/proc/${pid}/status`, "latin1")
    sum += Number(/^RssAnon:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024
  }
  return sum
}

/** What the kernel keeps for itself, sockets among it, in bytes. */
export function kernelBytes(): number {
  return Number(/^Slab:\s+(\d+) kB$/m.exec(readFileSync("/proc/meminfo", "latin1"))?.[1] ?? 0) * 1024
}

/** This process's own CPU time so far, in nanoseconds. */
export function ownCpuNanoseconds(): number {
  const usage = process.cpuUsage()
  return (usage.user + usage.system) * 1000
}
