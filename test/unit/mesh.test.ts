// What the mesh says about a connection, from what the browser tells.

import { expect, test } from "bun:test"
import { toObstacle } from "../../src/client/mesh/obstacle.ts"
import { type Measured, QualityMeter } from "../../src/client/mesh/quality.ts"
import { gradeOf } from "../../src/web/call/grade.ts"

test("what stands in the way follows from what was tried", () => {
  expect([
    toObstacle({ hasRelay: false, gotRelay: false, errors: new Set() }),
    toObstacle({ hasRelay: true, gotRelay: true, errors: new Set([701]) }),
    toObstacle({ hasRelay: true, gotRelay: false, errors: new Set([701, 401]) }),
    toObstacle({ hasRelay: true, gotRelay: false, errors: new Set([701]) }),
  ]).toEqual(["no_relay", "unreachable", "refused", "silent"])
})

/** A connection with these statistics. */
const withStats = (...entries: { id: string; type: string; [field: string]: unknown }[]): Measured => ({
  getStats: async () => new Map(entries.map((entry) => [entry.id, entry])),
})

const pair = { id: "P", type: "candidate-pair", nominated: true, state: "succeeded", localCandidateId: "L" }

test("quality is counted from one look to the next", async () => {
  const meter = new QualityMeter()
  const at = (packetsReceived: number, packetsLost: number) =>
    withStats(
      { id: "A", type: "inbound-rtp", kind: "audio", packetsReceived, packetsLost },
      { id: "V", type: "inbound-rtp", kind: "video", frameWidth: 640, frameHeight: 480, framesPerSecond: 24 },
      { ...pair, currentRoundTripTime: 0.03 },
      { id: "L", type: "local-candidate", candidateType: "relay" },
    )
  expect(await meter.read(at(90, 10))).toEqual({
    loss: 0.1,
    roundTripMs: 30,
    picture: { width: 640, height: 480, framesPerSecond: 24 },
    isRelayed: true,
  })
  expect((await meter.read(at(190, 10))).loss).toBe(0)
  // Another connection counts from the beginning.
  expect((await meter.read(at(30, 10))).loss).toBe(0.25)
  expect(await meter.read(withStats())).toEqual({
    loss: 0,
    roundTripMs: undefined,
    picture: undefined,
    isRelayed: false,
  })
})

test("a connection is as good as its worst", () => {
  expect(gradeOf({ loss: 0.01, roundTripMs: 40 })).toBe("good")
  expect(gradeOf({ loss: 0, roundTripMs: undefined })).toBe("good")
  expect(gradeOf({ loss: 0.05, roundTripMs: 40 })).toBe("fair")
  expect(gradeOf({ loss: 0, roundTripMs: 300 })).toBe("fair")
  expect(gradeOf({ loss: 0.2, roundTripMs: 40 })).toBe("poor")
  expect(gradeOf({ loss: 0, roundTripMs: 900 })).toBe("poor")
})
