// The program: what it is asked to do, what it says, and what signals mean.

import callPolicy from "../dist/pages/call.csp.txt" with { type: "text" }
import callHtml from "../dist/pages/call.html.txt" with { type: "text" }
import { version } from "../package.json" with { type: "json" }
import { ConfigError, type Invocation, loadInvocation } from "./config/load.ts"
import { configText, helpText } from "./config/print.ts"
import { adminAddressOf, type Node, startNode } from "./node.ts"
import { makeHours, makePlugins, makeStore } from "./parts.ts"
import { PluginMistakes } from "./plugins/check.ts"
import type { PluginHost } from "./plugins/host.ts"
import { PLUGIN_TYPES } from "./plugins/types-text.ts"
import type { Log } from "./signaling/hub.ts"
import { answerQuestion, readFromServer, readFromStore } from "./stats/command.ts"
import { MemoryHours } from "./stats/memory-hours.ts"
import { makeLog } from "./telemetry/log.ts"

/** Exit codes: 1, it could not start or failed; 2, it was started wrongly. */
const EXIT_FAILED = 1
const EXIT_USAGE = 2

/** The room in the printed address: whoever opens it, in two tabs or on two devices, meets there. */
const FIRST_ROOM = "hello"

async function main(): Promise<void> {
  try {
    await run(loadInvocation(process.argv.slice(2), process.env))
  } catch (cause) {
    if (!(cause instanceof ConfigError || cause instanceof PluginMistakes)) throw cause
    exitFor(cause.mistakes)
  }
}

async function run(invocation: Invocation): Promise<void> {
  switch (invocation.command) {
    case "help":
      console.log(helpText(version))
      return
    case "version":
      console.log(version)
      return
    case "check-config":
      await makePlugins(invocation.config, makeLog("silent"))
      console.log(configText(invocation))
      return
    case "plugin-types":
      process.stdout.write(PLUGIN_TYPES)
      return
    case "stats":
      await printStats(invocation)
      return
    case "start":
      await start(invocation)
  }
}

/** Says what was wrong with how the program was started, a line each. */
function exitFor(mistakes: readonly string[]): never {
  for (const mistake of mistakes) console.error(`palava-machine: ${mistake}`)
  process.exit(EXIT_USAGE)
}

async function printStats({ config, statsFlags }: Invocation): Promise<void> {
  const hours = makeHours(config)
  const isElsewhere = hours instanceof MemoryHours
  const read = isElsewhere ? readFromServer(`http://${adminAddressOf(config)}/`) : readFromStore(hours)
  try {
    console.log(await answerQuestion(statsFlags, read, process.stdout.columns ?? 80))
  } catch (cause) {
    if (cause instanceof RangeError) exitFor([cause.message])
    console.error(`palava-machine: the statistics cannot be read: ${(cause as Error).message}`)
    process.exit(EXIT_FAILED)
  }
}

async function start({ config }: Invocation): Promise<void> {
  const log = makeLog(config.logLevel)
  const plugins = await makePlugins(config, log)
  outliveStrays(plugins, log)
  let node: Node
  try {
    const callPage = { html: callHtml, policy: callPolicy }
    node = await startNode({ config, log, plugins, callPage, ...makeStore(config, log) })
  } catch (cause) {
    console.error(`palava-machine: ${cause instanceof Error ? cause.message : cause}`)
    process.exit(EXIT_FAILED)
  }
  stopOnSignals(node)
  const host = config.host === "0.0.0.0" || config.host === "::" ? "localhost" : config.host
  const secure = config.tlsCert === "" ? "" : "s"
  console.log(`palava-machine ${version} is ready`)
  if (config.page) console.log(`  page    http${secure}://${host}:${node.port}/#${FIRST_ROOM}`)
  console.log(`  socket  ws${secure}://${host}:${node.port}/`)
  if (node.adminAddress !== undefined)
    console.log(`  admin   http://${node.adminAddress.host}:${node.adminAddress.port}/`)
}

/** A forgotten promise, and what a plug-in throws in a timer of its own, must not end everybody's connections. */
function outliveStrays(plugins: PluginHost, log: Log): void {
  process.on("unhandledRejection", (cause) => {
    if (!plugins.blame(cause)) log.error({ err: cause }, "bug: a rejected promise was forgotten")
  })
  process.on("uncaughtException", (cause) => {
    if (plugins.blame(cause)) return
    log.error({ err: cause }, "bug: an uncaught error")
    process.exit(EXIT_FAILED)
  })
}

/** SIGTERM stops gently; a second one, or SIGINT, at once. */
function stopOnSignals(node: Node): void {
  const exitAfter = (stopped: Promise<void>): void => {
    stopped.then(
      () => process.exit(0),
      () => process.exit(EXIT_FAILED),
    )
  }
  let isStopping = false
  process.on("SIGTERM", () => {
    exitAfter(isStopping ? node.stopNow() : node.stopGently())
    isStopping = true
  })
  process.on("SIGINT", () => exitAfter(node.stopNow()))
}

await main()
