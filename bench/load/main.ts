// The generator's process: one request as JSON in the only argument, one result as JSON on stdout, then it exits.

import { callSetup } from "./call-setup.ts"
import { crowd } from "./crowd.ts"
import { fanOut } from "./fan-out.ts"
import { growth } from "./growth.ts"
import { handshake } from "./handshake.ts"
import { held, idle } from "./idle.ts"
import { joinStorm } from "./join-storm.ts"
import type { LoadRequest, LoadResult } from "./measure.ts"
import { pairs } from "./pairs.ts"
import { relay } from "./relay.ts"
import { soak } from "./soak.ts"
import { storm } from "./storm.ts"

const LOADS: Record<string, (request: LoadRequest) => Promise<LoadResult>> = {
  relay,
  "join-storm": joinStorm,
  "fan-out": fanOut,
  "call-setup": callSetup,
  handshake,
  idle,
  held,
  crowd,
  soak,
  growth,
  storm,
  pairs,
}

const request: LoadRequest = JSON.parse(process.argv[2] ?? "{}")
const load = LOADS[request.scenario]
if (!load) throw new Error(`unknown load ${request.scenario}; known: ${Object.keys(LOADS).join(", ")}`)
console.log(JSON.stringify(await load(request)))
process.exit(0)
