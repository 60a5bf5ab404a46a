// What the browser remembers for the pages.

/** What the browser remembers for this page. Storage can be forbidden; then nothing is remembered. */
export const memory = {
  get(key: string): string {
    try {
      return localStorage.getItem(`palava.${key}`) ?? ""
    } catch {
      return ""
    }
  },
  set(key: string, value: string): void {
    try {
      localStorage.setItem(`palava.${key}`, value)
    } catch {
      // Private windows of some browsers forbid it.
    }
  },
}
