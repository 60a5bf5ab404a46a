// A Grant that comes from outside: from a plug-in, or back from a client that resumes.

import * as v from "valibot"

/** What it may be; other keys are dropped. */
export const GRANT = v.object({
  identity: v.optional(v.string()),
  status: v.optional(v.record(v.string(), v.unknown())),
  peers: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(1))),
  until: v.optional(v.pipe(v.number(), v.finite())),
  can: v.optional(v.pipe(v.array(v.picklist(["send", "status", "lock"])), v.readonly())),
  reach: v.optional(v.pipe(v.array(v.string()), v.readonly())),
})
