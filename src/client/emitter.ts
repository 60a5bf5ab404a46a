// A typed event emitter, as small as one can be: no wildcard, no "once", no order of priority.
// Apart from the rest because the page uses it for its own parts too.

/** Calls listeners by event name; the map `Events` gives each name the type of what its listeners receive. */
export class Emitter<Events extends object> {
  readonly #listeners = new Map<keyof Events, Set<(event: never) => void>>()

  /** Adds a listener and returns the function that removes it. */
  on<Name extends keyof Events>(name: Name, listener: (event: Events[Name]) => void): () => void {
    const listeners = this.#listeners.get(name) ?? new Set()
    this.#listeners.set(name, listeners.add(listener))
    return () => void listeners.delete(listener)
  }

  /** Calls the listeners in the order they were added. One that throws is reported and does not stop the others. */
  emit<Name extends keyof Events>(name: Name, event: Events[Name]): void {
    for (const listener of [...(this.#listeners.get(name) ?? [])]) {
      try {
        ;(listener as (event: Events[Name]) => void)(event)
      } catch (error) {
        console.error(`a listener of ${String(name)} failed`, error)
      }
    }
  }
}
