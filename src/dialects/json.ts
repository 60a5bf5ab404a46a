// Reads the JSON of clients. Whatever it is, nothing is thrown, and no key of it can reach a prototype: JSON.parse makes
// `__proto__` a key as any other.

/**
 * 100 levels, as in palava-machine (Ruby's JSON): SDP and candidates have three. JSON.stringify takes time quadratic in
 * the depth of arrays under Bun 1.4.5, so 30,000 brackets in one frame would hold up everybody for a second.
 */
export const FRAME_LEVELS = 100

/** An object as JSON knows it: not null, not an array. */
export type JsonObject = Readonly<Record<string, unknown>>

/** The object that a text is; undefined when it is anything else. Of a key that comes twice, the last counts. */
export function readObject(text: string): JsonObject | undefined {
  const value = readJson(text)
  return isObject(value) ? value : undefined
}

/** The value that a text is; undefined when it is no JSON, which has no word for undefined. */
export function readJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Whether a value of JSON is an object. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value)
}

/** Whether objects and arrays are nested in more than `levels` levels; goes no deeper than that. */
export function isDeeperThan(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return false
  if (levels === 0) return true
  const children = Array.isArray(value) ? value : Object.values(value)
  for (const child of children) if (isDeeperThan(child, levels - 1)) return true
  return false
}
