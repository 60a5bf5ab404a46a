// What plug-ins say of one wish: a refusal; or of one member what several say, put together: each can but restrict it more, and
// who it is the first one says.

import type { Refused } from "../dialects/hooks.ts"
import { type Grant, may, type Right } from "../rooms/grant.ts"
import { isRefusal } from "./define.ts"
import { AWAY, Failure } from "./guard.ts"

const RIGHTS: readonly Right[] = ["send", "status", "lock"]

/** The grant of both, the first of which has been asked first. */
export function restrict(first: Grant | undefined, second: Grant): Grant {
  if (first === undefined) return second
  const rights = first.can === undefined && second.can === undefined ? undefined : RIGHTS
  return {
    identity: first.identity ?? second.identity,
    status: first.status === undefined ? second.status : { ...second.status, ...first.status },
    peers: least(first.peers, second.peers),
    until: least(first.until, second.until),
    // Who says nothing of rights denies none, not even the one that nobody has unless it is said.
    can: rights?.filter((right) => [first, second].every((one) => one.can === undefined || may(one, right))),
    // No pattern of two says what both allow: the first one's counts.
    reach: first.reach ?? second.reach,
  }
}

function least(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined || other === undefined ? (one ?? other) : Math.min(one, other)
}

/** The refusal in an answer; undefined for a yes. That nobody can tell now is said as when the store is away. */
export function refusedBy(answer: unknown): Refused | undefined {
  if (answer instanceof Failure) return answer
  if (!isRefusal(answer)) return undefined
  return answer.id === AWAY.error ? AWAY : answer
}
