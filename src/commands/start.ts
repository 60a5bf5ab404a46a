// `palava-machine`: starts a node, says where it is, and stops it on a signal.

import callPolicy from "../../dist/pages/call.csp.txt" with { type: "text" }
import callHtml from "../../dist/pages/call.html.txt" with { type: "text" }
import consolePolicy from "../../dist/pages/console.csp.txt" with { type: "text" }
import consoleHtml from "../../dist/pages/console.html.txt" with { type: "text" }
import { version } from "../../package.json" with { type: "json" }
import { type Node, startNode } from "../app/node.ts"
import { makePlugins, makeStore } from "../app/parts.ts"
import type { Config } from "../config/options.ts"
import type { Log } from "../log.ts"
import type { PluginHost } from "../plugins/host.ts"
import { changeLevel, type LevelledLog, type LogFormat, makeLog } from "../telemetry/log.ts"
import { type ControlParts, listenForReplacement, makeHello } from "./control.ts"
import { EXIT_FAILED, exitFailed } from "./exit.ts"
import { findHeldOver } from "./held-over.ts"
import { type Supervisor, supervisorOf } from "./systemd.ts"

/** The room in the printed address: whoever opens it, in two tabs or on two devices, meets there. */
const FIRST_ROOM = "hello"

/** 1 s: a Redis that answers at all is connected to in milliseconds; then it is said that it does not. */
const STORE_PATIENCE_MS = 1_000

/** 0.9 s: whoever insists on the end gets it, whatever hangs. */
const INSISTING_MS = 900

/** Starts a node that runs until a signal ends it. */
export async function start(config: Config, replaces: boolean): Promise<void> {
  const log = makeLog(config.logLevel, config.logFormat as LogFormat, process.env)
  switchLevelOnSignal(log, config.logLevel)
  const plugins = await makePlugins(config, log)
  outliveStrays(plugins, log)
  let node: Node | undefined
  // A terminal that closes sends it as well: whatever it was meant as, nobody's connection ends for it.
  process.on("SIGHUP", () => log.info({ ...node?.reload() }, "files read again"))
  const { node: before, controlPath, ...heldOver } = await findHeldOver(config, version, replaces, log)
  const { place: redis, ...store } = makeStore(config, log, before)
  try {
    const callPage = { html: callHtml, policy: callPolicy }
    const consolePage = { html: consoleHtml, policy: consolePolicy }
    node = await startNode({ config, log, plugins, callPage, consolePage, ...store, ...heldOver })
  } catch (cause) {
    exitFailed(cause instanceof Error ? cause.message : String(cause))
  }
  const { browsers, operators: admin } = addressesOf(config, node)
  log.info({ version, node: store.store.node, browsers, admin, redis }, "listening")
  const supervisor = supervisorOf(process.env)
  const giveWay = stopOnSignals(node, supervisor, log, config.shutdownSeconds)
  await node.opened
  if (controlPath !== undefined) {
    const hello = makeHello({ version, node: store.store.node, keepsRooms: store.storeKind === "memory" })
    await listenForReplacement(controlPath, { hello, log, giveWay }).catch((cause) => {
      log.warn({ socket: controlPath, err: cause }, "--replace will not find this server")
    })
  }
  const storeReady = node.storeReady.catch((cause) =>
    exitFailed(cause instanceof Error ? cause.message : String(cause)),
  )
  const isUp = await upWithin(storeReady, STORE_PATIENCE_MS)
  console.log(isUp ? `palava-machine ${version} is ready` : `palava-machine ${version} listens, and waits for Redis`)
  printAddresses(config, node)
  supervisor.ready()
  if (isUp || !(await storeReady)) return
  console.log(`palava-machine ${version} is ready`)
}

/** Whether the store can be used within so many milliseconds. */
async function upWithin(ready: Promise<boolean>, ms: number): Promise<boolean> {
  const late = Promise.withResolvers<boolean>()
  const timer = setTimeout(() => late.resolve(false), ms)
  return Promise.race([ready, late.promise]).finally(() => clearTimeout(timer))
}

/** Where it really listens, with the ports that were taken. */
function addressesOf({ host, tlsCert }: Config, { port, adminAddress: admin }: Node) {
  const name = host.includes(":") ? `[${host}]` : host
  return {
    browsers: `${tlsCert.length === 0 ? "ws" : "wss"}://${name}:${port}/`,
    operators: admin === undefined ? "off" : `http://${admin.host}:${admin.port}/`,
  }
}

/** SIGUSR2 switches to debug, the next one back. A signal, as nothing on a network or in a web page can send one. */
function switchLevelOnSignal(log: LevelledLog, usual: string): void {
  process.on("SIGUSR2", () => {
    changeLevel(log, log.level === "debug" ? usual : "debug", {})
  })
}

function printAddresses(config: Config, node: Node): void {
  const host = config.host === "0.0.0.0" || config.host === "::" ? "localhost" : config.host
  const secure = config.tlsCert.length === 0 ? "" : "s"
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

/** SIGTERM stops gently; a second one, or SIGINT, at once. @returns stops it for another process */
function stopOnSignals(node: Node, supervisor: Supervisor, log: Log, seconds: number): ControlParts["giveWay"] {
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
    supervisor.stopping(0)
    setTimeout(() => process.exit(0), INSISTING_MS)
    stop(shutdown.atOnce())
  }
  process.on("SIGTERM", () => {
    if (isStopping) return stopAtOnce()
    log.info({ seconds, connections: node.connections }, "stopping")
    supervisor.stopping(seconds)
    stop(shutdown.gently())
  })
  process.on("SIGINT", stopAtOnce)
  return (say) => {
    supervisor.stopping(seconds)
    stop(node.giveWay().then(say))
  }
}
