// A process with a node in it, whether it is the whole server or one worker of it: the node and its plug-ins are started, a
// forgotten error ends nobody's connection, and signals do what they should.

import callPolicy from "../../dist/pages/call.csp.txt" with { type: "text" }
import callHtml from "../../dist/pages/call.html.txt" with { type: "text" }
import consolePolicy from "../../dist/pages/console.csp.txt" with { type: "text" }
import consoleHtml from "../../dist/pages/console.html.txt" with { type: "text" }
import { version } from "../../package.json" with { type: "json" }
import { type Node, type NodeParts, startNode } from "../app/node.ts"
import { makePlugins, makeStore } from "../app/parts.ts"
import type { Config } from "../config/options.ts"
import type { Log } from "../log.ts"
import type { PluginHost } from "../plugins/host.ts"
import { changeLevel, type LevelledLog } from "../telemetry/log.ts"
import type { NeighbourSockets } from "../workers/neighbour-sockets.ts"
import { addressesOf } from "./addresses.ts"
import { EXIT_FAILED, exitFailed } from "./exit.ts"
import type { HeldOver } from "./held-over.ts"
import type { ServiceManager } from "./systemd.ts"

/** 1 s: a Redis that answers at all is connected to in milliseconds; then it is said that it does not. */
const STORE_PATIENCE_MS = 1_000

/** 0.9 s: whoever insists on the end gets it, whatever hangs. */
const INSISTING_MS = 900

/** What a process with a node is started with. */
export interface NodeProcessParts {
  readonly config: Config
  readonly log: LevelledLog
  /** The other workers, if it is one. */
  readonly neighbours?: NeighbourSockets | undefined
  /** Called once the plug-ins are loaded. */
  readonly findHeldOver: () => Promise<HeldOver>
  /** Of the server, if this process is all of it. A worker has none, and SIGTERM may come to it from two sides. */
  readonly serviceManager: ServiceManager | undefined
}

/** A node that runs in this process. */
export interface RunningNode {
  readonly node: Node
  /** Its name, as other nodes and the log know it. */
  readonly name: string
  readonly storeKind: NodeParts["storeKind"]
  readonly controlPath: string | undefined
  /** Stops it for another process, so many seconds after that is announced, and calls `say` right before the end. */
  giveWay(seconds: number, say?: () => void): void
}

/** Starts it, and stops it on a signal. Ends the program when it cannot be started. */
export async function runNode(parts: NodeProcessParts): Promise<RunningNode> {
  const { config, log } = parts
  onDebugSwitch(log, config.logLevel)
  const plugins = await makePlugins(config, log)
  outliveStrays(plugins, log)
  let node: Node | undefined
  // A terminal that closes sends it as well: whatever it was meant as, nobody's connection ends for it.
  process.on("SIGHUP", () => log.info({ ...node?.reload() }, "files read again"))
  const { node: before, controlPath, ...heldOver } = await parts.findHeldOver()
  const { place: redis, ...store } = makeStore(config, log, before, parts.neighbours)
  try {
    const callPage = { html: callHtml, policy: callPolicy }
    const consolePage = { html: consoleHtml, policy: consolePolicy }
    node = await startNode({ config, log, plugins, callPage, consolePage, ...store, ...heldOver })
  } catch (cause) {
    exitFailed(cause instanceof Error ? cause.message : String(cause))
  }
  const { node: name } = store.store
  const giveWay = stopOnSignals(node, parts)
  log.info({ version, node: name, ...addressesOf(config, node), redis }, "listening")
  return { node, name, storeKind: store.storeKind, controlPath, giveWay }
}

/**
 * Whether the store can be used by now, waiting for a moment; and when it can be, with false when the node is stopped before.
 * Ends the program when the store refuses to work with this configuration.
 */
export async function awaitStore(node: Node): Promise<{ isUp: boolean; ready: Promise<boolean> }> {
  const ready = node.storeReady.catch((cause) => exitFailed(cause instanceof Error ? cause.message : String(cause)))
  const late = Promise.withResolvers<boolean>()
  const timer = setTimeout(() => late.resolve(false), STORE_PATIENCE_MS)
  const isUp = await Promise.race([ready, late.promise]).finally(() => clearTimeout(timer))
  return { isUp, ready }
}

/** SIGUSR2 switches to debug, the next one back. A signal, as nothing on a network or in a web page can send one. */
export function onDebugSwitch(log: LevelledLog, usual: string, onChanged: (level: string) => void = () => {}): void {
  process.on("SIGUSR2", () => {
    changeLevel(log, log.level === "debug" ? usual : "debug", {})
    onChanged(log.level)
  })
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
function stopOnSignals(node: Node, { config, log, serviceManager }: NodeProcessParts): RunningNode["giveWay"] {
  const { shutdownSeconds: seconds } = config
  const { shutdown } = node
  let isStopping = false
  const stop = (stopped: Promise<void>): void => {
    isStopping = true
    stopped.then(
      () => {
        log.info({}, "stopped")
        process.exit(0)
      },
      () => process.exit(EXIT_FAILED),
    )
  }
  const stopAtOnce = (): void => {
    log.info({ connections: node.connections }, "stopping at once")
    serviceManager?.stopping(0)
    setTimeout(() => process.exit(0), INSISTING_MS)
    stop(shutdown.atOnce())
  }
  process.on("SIGTERM", () => {
    if (isStopping) {
      if (serviceManager !== undefined) stopAtOnce()
      return
    }
    log.info({ seconds, connections: node.connections }, "stopping")
    serviceManager?.stopping(seconds)
    stop(shutdown.gently())
  })
  process.on("SIGINT", stopAtOnce)
  return (seconds, say) => {
    if (isStopping) return
    serviceManager?.stopping(seconds)
    stop(node.giveWay(seconds).then(say))
  }
}
