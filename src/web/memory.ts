// What the browser remembers for the pages.

/** What is remembered under names of its own. Storage can be forbidden; then nothing is remembered. */
export interface Memory {
  /** Empty for what is not remembered. */
  get(key: string): string
  set(key: string, value: string): void
}

/** @param prefix of its names in the browser's storage, which all pages of an origin share */
export function makeMemory(prefix: string): Memory {
  return {
    get(key) {
      try {
        return localStorage.getItem(prefix + key) ?? ""
      } catch {
        return ""
      }
    },
    set(key, value) {
      try {
        localStorage.setItem(prefix + key, value)
      } catch {
        // Private windows of some browsers forbid it.
      }
    },
  }
}

/** That of the demo call. */
export const memory = makeMemory("palava.")
