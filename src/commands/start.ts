// `palava-machine`: starts the server, says where it is, and stops it on a signal. With --workers this process is their
// supervisor, and each of them is started by the same command.

import { version } from "../../package.json" with { type: "json" }
import { type Config, isClustered, workersOf } from "../config/options.ts"
import { type WorkerPlace, workerPlaceOf } from "../config/worker-place.ts"
import { type LogFormat, makeLog } from "../telemetry/log.ts"
import { printAddresses } from "./addresses.ts"
import { listenForReplacement, makeHello } from "./control.ts"
import { exitFor } from "./exit.ts"
import { findHeldOver } from "./held-over.ts"
import { awaitStore, runNode } from "./node-process.ts"
import { supervise } from "./supervise.ts"
import { serviceManagerOf } from "./systemd.ts"
import { work } from "./work.ts"

/** Runs it until a signal ends it. */
export async function start(config: Config, replaces: boolean): Promise<void> {
  const place = placeOfThis()
  if (place !== undefined) return work(config, place)
  return workersOf(config) > 1 ? supervise(config) : runAlone(config, replaces)
}

function placeOfThis(): WorkerPlace | undefined {
  try {
    return workerPlaceOf(process.env)
  } catch (cause) {
    exitFor([(cause as Error).message])
  }
}

/** One process, one node. */
async function runAlone(config: Config, replaces: boolean): Promise<void> {
  const log = makeLog(config.logLevel, config.logFormat as LogFormat, process.env)
  const serviceManager = serviceManagerOf(process.env)
  const { node, name, storeKind, controlPath, giveWay } = await runNode({
    ...{ config, log, serviceManager },
    findHeldOver: () => findHeldOver(config, version, replaces, log),
  })
  await node.opened
  if (controlPath !== undefined) {
    const hello = makeHello({ version, node: name, keepsRooms: storeKind === "memory" })
    // Clients of a node without Redis need no time to look for another one: it is here.
    const seconds = isClustered(config) ? config.shutdownSeconds : 0
    const parts = { hello, log, giveWay: (say: () => void) => giveWay(seconds, say) }
    await listenForReplacement(controlPath, parts).catch((cause) => {
      log.warn({ socket: controlPath, err: cause }, "--replace will not find this server")
    })
  }
  const { isUp, ready } = await awaitStore(node)
  console.log(isUp ? `palava-machine ${version} is ready` : `palava-machine ${version} listens, and waits for Redis`)
  printAddresses(config, node)
  serviceManager.ready()
  if (isUp || !(await ready)) return
  console.log(`palava-machine ${version} is ready`)
}
