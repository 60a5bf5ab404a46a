// A worker: a node like any other, but that its supervisor tells where it is, and that nobody else talks to its process.

import { version } from "../../package.json" with { type: "json" }
import type { Config } from "../config/options.ts"
import type { WorkerPlace } from "../config/worker-place.ts"
import { changeLevel, type LogFormat, makeLog } from "../telemetry/log.ts"
import { NeighbourSockets } from "../workers/neighbour-sockets.ts"
import { serveSupervisor, tellSupervisor } from "../workers/worker.ts"
import { EXIT_FAILED } from "./exit.ts"
import { awaitStore, runNode } from "./node-process.ts"

/** 10 s for a worker whose supervisor is gone: leaving and closing take 8 s at most. */
const ORPHANED_MS = 10_000

/** Runs one until it is told to stop, or its supervisor is gone. */
export async function work(given: Config, { number, port, folder }: WorkerPlace): Promise<void> {
  const log = makeLog(given.logLevel, given.logFormat as LogFormat, process.env, { worker: number })
  const neighbours = folder === "" ? undefined : new NeighbourSockets(folder, log)
  let stop = (): void => process.exit(EXIT_FAILED)
  process.on("disconnect", () => {
    log.error({}, "the supervisor of this worker is gone")
    neighbours?.removeAll()
    setTimeout(() => process.exit(EXIT_FAILED), ORPHANED_MS).unref()
    stop()
  })
  // The operators' listener is the supervisor's; there is no state to keep, as there is Redis.
  const config: Config = { ...given, port, adminListen: "off", adminTokenFile: "", stateFile: "" }
  const { node, name, giveWay } = await runNode({
    ...{ config, log, serviceManager: undefined },
    neighbours,
    findHeldOver: async () => ({ ports: "taken over" }),
  })
  // Those who are here need no time to look for another node: the other workers listen already.
  stop = () => giveWay(0)
  serveSupervisor({ operators: node.operators, giveWay: stop, changeLogLevel: (level) => changeLevel(log, level, {}) })
  const { isUp, ready } = await awaitStore(node)
  tellSupervisor({ kind: "started", port: node.port, node: name, version, isUp })
  if (!isUp && (await ready)) tellSupervisor({ kind: "up" })
}
