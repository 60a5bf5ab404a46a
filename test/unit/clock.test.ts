// The clock that finds silent connections, on time that a test moves.

import { afterEach, beforeEach, expect, jest, spyOn, test } from "bun:test"
import { Clock } from "../../src/signaling/clock.ts"
import { Counters } from "../../src/signaling/counters.ts"
import type { Session } from "../../src/signaling/session.ts"

/** What the clock sees of a session. */
interface FakeSession {
  heardAt: number
  pings: number
  closed: number | undefined
}

let now = 0
let restore: () => void
beforeEach(() => {
  now = 1_000
  const spy = spyOn(performance, "now").mockImplementation(() => now)
  restore = () => spy.mockRestore()
  jest.useFakeTimers()
})
afterEach(() => {
  jest.useRealTimers()
  restore()
})

/** Moves time on, tick by tick, as the timer would. */
function pass(seconds: number): void {
  for (let tick = 0; tick < seconds * 4; tick++) {
    now += 250
    jest.advanceTimersByTime(250)
  }
}

/** The process sleeps, and its timer fires once when it wakes. */
function sleep(seconds: number): void {
  now += seconds * 1_000
  jest.advanceTimersByTime(250)
}

function start(count: number): { clock: Clock; sessions: FakeSession[]; counters: Counters } {
  const clock = new Clock()
  const counters = new Counters()
  const map = new Map<number, Session>()
  const sessions = Array.from({ length: count }, (_, key) => {
    const session: FakeSession & { onClose: () => void; socket: object } = {
      heardAt: 0,
      pings: 0,
      closed: undefined,
      onClose: () => map.delete(key),
      socket: {
        ping: () => {
          session.pings++
        },
        close: (code: number) => {
          session.closed = code
        },
      },
    }
    map.set(key, session as unknown as Session)
    return session
  })
  clock.start(map, { pingSeconds: 25, deadSeconds: 50 }, counters)
  return { clock, sessions, counters }
}

test("it ticks four times a second", () => {
  const { clock } = start(0)
  pass(3)
  expect(clock.tick).toBe(12)
  clock.stop()
  pass(3)
  expect(clock.tick).toBe(12)
})

test("who is silent is pinged before 25 s are over, and closed with 4008 before 60 are", () => {
  const { clock, sessions, counters } = start(2)
  const [silent, quiet] = sessions as [FakeSession, FakeSession]
  pass(19)
  expect(silent.pings).toBe(0)
  pass(6)
  expect(silent.pings).toBeGreaterThan(0)
  quiet.heardAt = clock.tick
  pass(24)
  expect([silent.closed, quiet.closed]).toEqual([undefined, undefined])
  pass(10)
  expect([silent.closed, quiet.closed]).toEqual([4008, undefined])
  expect(counters.closedSilent).toBe(1)
  clock.stop()
})

test("who answers stays for ever", () => {
  const { clock, sessions } = start(1)
  const [session] = sessions as [FakeSession]
  for (let round = 0; round < 100; round++) {
    const before = session.pings
    pass(5)
    if (session.pings > before) session.heardAt = clock.tick
  }
  expect(session.closed).toBeUndefined()
  expect(session.pings).toBeGreaterThan(10)
  clock.stop()
})

test("a process that slept does not take its own sleep for everybody's silence", () => {
  const { clock, sessions } = start(2)
  const [silent, quiet] = sessions as [FakeSession, FakeSession]
  pass(10)
  sleep(3_600)
  expect([silent.closed, quiet.closed]).toEqual([undefined, undefined])
  pass(20)
  expect(silent.pings).toBeGreaterThan(0)
  quiet.heardAt = clock.tick
  pass(35)
  expect([silent.closed, quiet.closed]).toEqual([4008, undefined])
  clock.stop()
})
