// What finds silent connections, on time that a test moves.

import { expect, test } from "bun:test"
import { makeConnectionCounters } from "../../src/connections/counters.ts"
import { Liveness, type Watched } from "../../src/connections/liveness.ts"

/** What it sees of a connection. */
interface FakeConnection {
  heardAt: number
  pings: number
  closed: number | undefined
}

/** Time that a test moves, with one timer. */
class MovedClock {
  #now = 1_000
  #due: { at: number; call: () => void } | undefined

  monotonicMs(): number {
    return this.#now
  }

  unixMs(): number {
    return this.#now
  }

  after(ms: number, call: () => void): () => void {
    const due = { at: this.#now + ms, call }
    this.#due = due
    return () => {
      if (this.#due === due) this.#due = undefined
    }
  }

  soon(call: () => void): void {
    call()
  }

  /** Moves time on in one step: the timer fires once, as late as it is. */
  sleep(seconds: number): void {
    this.#now += seconds * 1_000
    const due = this.#due
    if (due === undefined || due.at > this.#now) return
    this.#due = undefined
    due.call()
  }

  /** Moves time on, tick by tick. */
  pass(seconds: number): void {
    for (let tick = 0; tick < seconds * 4; tick++) this.sleep(0.25)
  }
}

function start(count: number) {
  const time = new MovedClock()
  const clock = new Liveness(time)
  const counters = makeConnectionCounters()
  const map = new Map<number, Watched>()
  const connections = Array.from({ length: count }, (_, key) => {
    const connection: FakeConnection & Watched = {
      heardAt: 0,
      pings: 0,
      closed: undefined,
      drop: ({ code }) => {
        map.delete(key)
        connection.closed = code
      },
      socket: {
        ping: () => {
          connection.pings++
        },
      },
    }
    map.set(key, connection)
    return connection
  })
  clock.start(map, { pingSeconds: 25, deadSeconds: 50 }, counters)
  return { time, clock, connections: connections as readonly FakeConnection[], counters }
}

test("it ticks four times a second", () => {
  const { time, clock } = start(0)
  time.pass(3)
  expect(clock.tick).toBe(12)
  clock.stop()
  time.pass(3)
  expect(clock.tick).toBe(12)
})

test("who is silent is pinged before 25 s are over, and closed with 4008 before 60 are", () => {
  const { time, clock, connections, counters } = start(2)
  const [silent, quiet] = connections as unknown as [FakeConnection, FakeConnection]
  time.pass(19)
  expect(silent.pings).toBe(0)
  time.pass(6)
  expect(silent.pings).toBeGreaterThan(0)
  quiet.heardAt = clock.tick
  time.pass(24)
  expect([silent.closed, quiet.closed]).toEqual([undefined, undefined])
  time.pass(10)
  expect([silent.closed, quiet.closed]).toEqual([4008, undefined])
  expect(counters.closedSilent).toBe(1)
  clock.stop()
})

test("who answers stays for ever", () => {
  const { time, clock, connections } = start(1)
  const [connection] = connections as unknown as [FakeConnection]
  for (let round = 0; round < 100; round++) {
    const before = connection.pings
    time.pass(5)
    if (connection.pings > before) connection.heardAt = clock.tick
  }
  expect(connection.closed).toBeUndefined()
  expect(connection.pings).toBeGreaterThan(10)
  clock.stop()
})

test("a process that slept does not take its own sleep for everybody's silence", () => {
  const { time, clock, connections } = start(2)
  const [silent, quiet] = connections as unknown as [FakeConnection, FakeConnection]
  time.pass(10)
  time.sleep(3_600)
  expect([silent.closed, quiet.closed]).toEqual([undefined, undefined])
  time.pass(20)
  expect(silent.pings).toBeGreaterThan(0)
  quiet.heardAt = clock.tick
  time.pass(35)
  expect([silent.closed, quiet.closed]).toEqual([4008, undefined])
  clock.stop()
})
