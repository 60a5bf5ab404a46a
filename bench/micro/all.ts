// All micro benches, as a program: a table on stdout, and as JSON into the file named by the first argument.

import { writeFileSync } from "node:fs"
import { pluginsBench } from "./plugins.bench.ts"
import { relayBench } from "./relay.bench.ts"
import { roomsBench } from "./rooms.bench.ts"
import { scriptBench } from "./script.bench.ts"
import { traceBench } from "./trace.bench.ts"

console.log(`${"Micro benches, one operation".padEnd(56)}${"best".padStart(12)}${"median".padStart(12)}`)
const timings = [
  ...(await relayBench()),
  ...(await pluginsBench()),
  ...roomsBench(),
  ...traceBench(),
  ...(await scriptBench()),
]
const path = process.argv[2]
if (path) writeFileSync(path, `${JSON.stringify(timings, null, 2)}\n`)
process.exit(0)
