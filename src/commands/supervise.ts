// The supervisor of --workers: this process starts them, has the operators' listener and the signals, and tells systemd. No
// client is ever connected to it.

import { version } from "../../package.json" with { type: "json" }
import { withoutBrackets } from "../access/hosts.ts"
import { adminAddressOf, adminTokenOf, hasAdmin } from "../config/admin-address.ts"
import { type Config, workersOf } from "../config/options.ts"
import { type Admin, listenForOperators, type OperatorAnswer } from "../server/admin.ts"
import { CannotListen, listen } from "../server/listen.ts"
import { type LevelledLog, type LogFormat, makeLog } from "../telemetry/log.ts"
import { addProcessMetrics } from "../telemetry/process-metrics.ts"
import { makeRegistry } from "../telemetry/registry.ts"
import { MergedMetrics } from "../workers/merged-metrics.ts"
import { makeSocketFolder } from "../workers/neighbour-sockets.ts"
import { makeOperatorAnswer } from "../workers/operators.ts"
import { Supervisor, WorkerFailed } from "../workers/supervisor.ts"
import { addressesOf, printAddresses } from "./addresses.ts"
import { exitFailed } from "./exit.ts"
import { onDebugSwitch } from "./node-process.ts"
import { type ServiceManager, serviceManagerOf } from "./systemd.ts"

/** Runs all workers until a signal ends them. */
export async function supervise(config: Config): Promise<void> {
  const log = makeLog(config.logLevel, config.logFormat as LogFormat, process.env)
  const own = makeRegistry()
  const metrics = new MergedMetrics(own)
  const { host, port, shutdownSeconds } = config
  const sockets = makeSocketFolder(log)
  const supervisor = new Supervisor({
    ...{ count: workersOf(config), port, folder: sockets.path, shutdownSeconds, log },
    onLeaving: (worker) => metrics.read(worker),
    onEnded(worker) {
      metrics.end(worker)
      if (worker.about !== undefined) sockets.remove(worker.about.node)
    },
  })
  addProcessMetrics(own, version)
  own.addGauge("palava_workers", "Workers that serve clients.", () => supervisor.serving.length)
  own.addCounter("palava_workers_restarted_total", "Workers that ended by themselves.", () => supervisor.restarted)
  const answer = makeOperatorAnswer({ supervisor, metrics, version })
  const serviceManager = serviceManagerOf(process.env)
  let token = tokenOf(config)
  let admin: Admin | undefined
  try {
    // Workers share the port with whoever shares it: only now is it found out that somebody has it.
    listen("--port", host, port, "own", () =>
      Bun.serve({ hostname: withoutBrackets(host), port, fetch: () => new Response() }).stop(true),
    )
    admin = startAdmin(config, answer, () => token)
  } catch (cause) {
    if (cause instanceof CannotListen) exitFailed(cause.message)
    throw cause
  }
  process.on("SIGHUP", () => {
    token = tokenOf(config, log) ?? token
    supervisor.reload()
  })
  onDebugSwitch(log, config.logLevel, (level) => supervisor.changeLogLevel(level))
  stopOnSignals(supervisor, serviceManager, log, shutdownSeconds)
  const started = await supervisor.start().catch(async (cause) => {
    if (!(cause instanceof WorkerFailed)) throw cause
    await supervisor.stop("atOnce")
    // Why is said by the worker.
    process.exit(cause.code)
  })
  const where = { port: started.port, adminAddress: admin && { host: adminAddressOf(config).host, port: admin.port } }
  log.info({ version, workers: workersOf(config), ...addressesOf(config, where) }, "all workers listen")
  console.log(
    started.areUp ? `palava-machine ${version} is ready` : `palava-machine ${version} listens, and waits for Redis`,
  )
  printAddresses(config, where)
  serviceManager.ready(() => supervisor.isAlive)
  if (started.areUp || !(await supervisor.areUp())) return
  console.log(`palava-machine ${version} is ready`)
}

/** The administration's token; undefined when none is wanted. With a log, what cannot be read is told there. */
function tokenOf(config: Config, log?: LevelledLog): string | undefined {
  try {
    return adminTokenOf(config)
  } catch (cause) {
    const reason = `--admin-token-file: ${(cause as Error).message}`
    if (log === undefined) exitFailed(reason)
    log.warn({ reason }, "a token was refused, the old one stays")
    return undefined
  }
}

function startAdmin(config: Config, answer: OperatorAnswer, token: () => string | undefined): Admin | undefined {
  if (!hasAdmin(config)) return undefined
  const { host, port } = adminAddressOf(config)
  const access = { names: [host, ...config.adminHost], token }
  return listen("--admin-listen", host, port, "own", () => listenForOperators(host, port, answer, access, false))
}

/** SIGTERM stops all gently; a second one, or SIGINT, at once. */
function stopOnSignals(supervisor: Supervisor, manager: ServiceManager, log: LevelledLog, seconds: number): void {
  let isStopping = false
  const stop = (how: "gently" | "atOnce"): void => {
    isStopping = true
    manager.stopping(how === "gently" ? seconds : 0)
    supervisor.stop(how).then(() => {
      log.info({}, "all workers stopped")
      process.exit(0)
    })
  }
  process.on("SIGTERM", () => stop(isStopping ? "atOnce" : "gently"))
  process.on("SIGINT", () => stop("atOnce"))
}
