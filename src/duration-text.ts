// A span of time for people, as terminals and pages of operators show it.

const UNITS = [
  ["d", 86_400],
  ["h", 3600],
  ["min", 60],
  ["s", 1],
] as const

/** The two largest units of so many milliseconds, from days to seconds, such as `2 h 5 min`. */
export function durationText(ms: number): string {
  let left = Math.max(0, Math.round(ms / 1000))
  const parts: string[] = []
  for (const [unit, seconds] of UNITS) {
    const count = Math.floor(left / seconds)
    left %= seconds
    if (count > 0) parts.push(`${count} ${unit}`)
    else if (parts.length > 0) break
  }
  return parts.slice(0, 2).join(" ") || "0 s"
}
