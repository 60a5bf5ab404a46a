// `palava-machine`: starts a node, says where it is, and stops it on a signal.

import callPolicy from "../../dist/pages/call.csp.txt" with { type: "text" }
import callHtml from "../../dist/pages/call.html.txt" with { type: "text" }
import { version } from "../../package.json" with { type: "json" }
import { type Node, startNode } from "../app/node.ts"
import { makePlugins, makeStore } from "../app/parts.ts"
import type { Config } from "../config/options.ts"
import type { PluginHost } from "../plugins/host.ts"
import type { Log } from "../signaling/hub.ts"
import { makeLog } from "../telemetry/log.ts"
import { EXIT_FAILED, exitFailed } from "./exit.ts"
import { type Supervisor, supervisorOf } from "./systemd.ts"

/** The room in the printed address: whoever opens it, in two tabs or on two devices, meets there. */
const FIRST_ROOM = "hello"

/** Starts a node that runs until a signal ends it. */
export async function start(config: Config): Promise<void> {
  const log = makeLog(config.logLevel)
  const plugins = await makePlugins(config, log)
  outliveStrays(plugins, log)
  let node: Node
  try {
    const callPage = { html: callHtml, policy: callPolicy }
    node = await startNode({ config, log, plugins, callPage, ...makeStore(config, log) })
  } catch (cause) {
    exitFailed(cause instanceof Error ? cause.message : String(cause))
  }
  const supervisor = supervisorOf(process.env)
  stopOnSignals(node, supervisor, config.shutdownSeconds)
  const host = config.host === "0.0.0.0" || config.host === "::" ? "localhost" : config.host
  const secure = config.tlsCert === "" ? "" : "s"
  console.log(`palava-machine ${version} is ready`)
  if (config.page) console.log(`  page    http${secure}://${host}:${node.port}/#${FIRST_ROOM}`)
  console.log(`  socket  ws${secure}://${host}:${node.port}/`)
  if (node.adminAddress !== undefined)
    console.log(`  admin   http://${node.adminAddress.host}:${node.adminAddress.port}/`)
  supervisor.ready()
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
function stopOnSignals(node: Node, supervisor: Supervisor, shutdownSeconds: number): void {
  const exitAfter = (stopped: Promise<void>): void => {
    stopped.then(
      () => process.exit(0),
      () => process.exit(EXIT_FAILED),
    )
  }
  let isStopping = false
  process.on("SIGTERM", () => {
    if (!isStopping) supervisor.stopping(shutdownSeconds)
    exitAfter(isStopping ? node.stopNow() : node.stopGently())
    isStopping = true
  })
  process.on("SIGINT", () => {
    supervisor.stopping(0)
    exitAfter(node.stopNow())
  })
}
