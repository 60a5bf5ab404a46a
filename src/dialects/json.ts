// Reads the JSON of clients. Whatever it is, nothing is thrown, and no key of it can reach a prototype: JSON.parse makes
// `__proto__` a key as any other.

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
