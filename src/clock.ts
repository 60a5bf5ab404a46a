// Time as the core is given it: everything below the program asks this, so that the simulation can run hours of a
// cluster in seconds, and the same ones again.

/** Time, and timers. */
export interface Clock {
  /** Milliseconds since some moment, never set back; goes on while the process is stopped. */
  monotonicMs(): number
  /** Unix milliseconds. */
  unixMs(): number
  /** Calls `call` once, `ms` milliseconds from now, unless the returned function is called before. */
  after(ms: number, call: () => void): () => void
  /** Calls `call` once what is at hand now is done: behind this turn of the event loop, before any timer. */
  soon(call: () => void): void
}

/** This machine's. */
export const SYSTEM_CLOCK: Clock = {
  monotonicMs: () => performance.now(),
  unixMs: () => Date.now(),
  after(ms, call) {
    const timer = setTimeout(call, ms)
    return () => clearTimeout(timer)
  },
  soon: setImmediate,
}

/** Resolves `ms` milliseconds from now. */
export function sleep(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => clock.after(ms, resolve))
}
