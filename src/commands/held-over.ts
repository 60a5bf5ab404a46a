// What a start finds of the process before it, and where it will leave its own: the state file of a node without Redis.

import { accessSync, constants } from "node:fs"
import { dirname } from "node:path"
import type { NodeParts } from "../app/node.ts"
import { findState, writeState } from "../app/state-file.ts"
import { type Config, isClustered } from "../config/options.ts"
import type { Log } from "../log.ts"
import { exitFailed } from "./exit.ts"

/** See the head of this file. */
export interface HeldOver extends Pick<NodeParts, "before" | "keepState"> {
  /** The node whose place this one takes. */
  readonly node?: NodeParts["store"]["node"] | undefined
}

/** Looks at the state file, if there is to be one. */
export async function findHeldOver(config: Config, log: Log): Promise<HeldOver> {
  const { stateFile: file, resumeSeconds } = config
  if (file === "" || isClustered(config) || resumeSeconds === 0) return {}
  checkWritable(dirname(file))
  const found = await findState(config)
  const keepState = (text: string): Promise<void> => writeState(config, text)
  switch (found.kind) {
    case "nothing":
      return { keepState }
    case "useless":
      log.warn({ file, reason: found.reason }, "the state file is of no use, and was removed")
      return { keepState }
    case "foreign":
      log.warn(
        { file, reason: found.reason },
        "--state-file: it is not used, and stays as it is: name another or remove it",
      )
      return {}
    case "state": {
      const { state, take } = found
      const before = async () => {
        // Removed before it is used: after a crash it must not bring anybody back, nor let a token work twice.
        await take()
        return state
      }
      return { keepState, node: state.node, before }
    }
  }
}

/** Found now, and not when the process ends. */
function checkWritable(folder: string): void {
  try {
    accessSync(folder, constants.W_OK | constants.X_OK)
  } catch (cause) {
    const isMissing = (cause as { code?: string }).code === "ENOENT"
    exitFailed(`--state-file: ${folder} ${isMissing ? "is not there" : "cannot be written in"}`)
  }
}
