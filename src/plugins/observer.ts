// What plug-ins observe, as one observer for the core.

import type { Observer } from "../dialects/hooks.ts"
import { OBSERVED } from "./check.ts"
import type { Hooks, Observe } from "./contract.ts"
import type { Guard, Guarded } from "./guard.ts"

/** Of each observation only what somebody observes; the function of the only one, if it is one. */
export function composeObserver(
  plugins: readonly (Guarded & { readonly hooks: Hooks })[],
  guard: Guard,
): Observer | undefined {
  // Three parameters, not a rest: `relayed` is on the hot path and must not make an array for each message.
  const compose = (name: keyof Observe) => {
    const calls = plugins.flatMap((plugin) => {
      const owner = plugin.hooks.observe
      const observe = owner?.[name] as ((a: unknown, b: unknown, c: unknown) => void) | undefined
      if (observe === undefined) return []
      return [
        (a?: unknown, b?: unknown, c?: unknown): void => {
          try {
            observe.call(owner, a, b, c)
          } catch (cause) {
            guard.fail(plugin, `observe ${name}`, cause)
          }
        },
      ]
    })
    if (calls.length < 2) return calls[0]
    return (a?: unknown, b?: unknown, c?: unknown): void => {
      for (const call of calls) call(a, b, c)
    }
  }
  const observer = Object.fromEntries(OBSERVED.map((name) => [name, compose(name)])) as Observer
  const statusUpdated = compose("statusUpdated")
  const all: Observer = {
    ...observer,
    statusUpdated: statusUpdated && ((peer, room, status) => statusUpdated(peer, room, JSON.parse(status))),
  }
  return Object.values(all).some((call) => call !== undefined) ? all : undefined
}
