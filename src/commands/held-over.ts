// What a start takes over from the process before it: from the state file of one that has ended, or from one that still runs
// and is asked to give its place (`--replace`). And what it leaves to the next.

import { accessSync, constants } from "node:fs"
import { dirname } from "node:path"
import * as v from "valibot"
import type { NodeParts } from "../app/node.ts"
import type { State } from "../app/state.ts"
import { findState, writeState } from "../app/state-file.ts"
import { type Config, isClustered } from "../config/options.ts"
import type { Log } from "../log.ts"
import { callRunning, controlPathOf, HELLO, type Hello, makeHello } from "./control.ts"
import { exitFailed } from "./exit.ts"
import type { LineSocket } from "./line-socket.ts"
import { steerConnectionsHere } from "./steer.ts"

/** 5 s for each answer of the running process, which takes milliseconds. */
const ANSWER_MS = 5_000

/** 10 s for what it holds: 64 MiB took up to 3 s on a busy machine. Clients that come already wait as long. */
const STATE_MS = 10_000

/** See the head of this file. */
export interface HeldOver extends Pick<NodeParts, "before" | "keepState" | "ports"> {
  /** The node whose place this one takes. */
  readonly node?: NodeParts["store"]["node"] | undefined
  /** Where it can be asked to give its own place. */
  readonly controlPath?: string | undefined
}

/** The running process, asked who it is. */
interface Running {
  readonly talk: LineSocket
  readonly hello: Hello
}

/** Looks at what there is. Ends the program when that is not what it was started for. */
export async function findHeldOver(config: Config, version: string, replaces: boolean, log: Log): Promise<HeldOver> {
  const { stateFile: file } = config
  if (file === "") return { ports: "own" }
  checkWritable(dirname(file))
  const controlPath = controlPathOf(file)
  if (controlPath === undefined) exitFailed("--state-file: its name is too long for a socket beside it")
  const running = replaces ? await greet(controlPath, version) : undefined
  const left = await findLeft(config, log)
  if (running !== undefined) {
    const node = running.hello.keepsRooms === true ? running.hello.node : undefined
    return {
      ...{ controlPath, ports: "taken over", keepState: left.keepState },
      node: node as HeldOver["node"],
      before: () => takeFrom(running, config, log),
    }
  }
  const before = async (): Promise<State | undefined> => {
    const other = await callRunning(controlPath)
    if (other !== undefined) exitFailed(`--state-file: another server uses ${file}; --replace would take its place`)
    return await left.before?.()
  }
  return { ...left, ports: "shared", controlPath, before }
}

/** What the process before left in the file. */
async function findLeft(config: Config, log: Log): Promise<Pick<HeldOver, "node" | "before" | "keepState">> {
  const { stateFile: file, resumeSeconds } = config
  if (isClustered(config) || resumeSeconds === 0) return {}
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

/** Asks the running process who it is; undefined when none runs. */
async function greet(path: string, version: string): Promise<Running | undefined> {
  const talk = await callRunning(path)
  if (talk === undefined) return undefined
  talk.say(makeHello({ version }))
  const { success, output: hello } = v.safeParse(HELLO, await talk.next(ANSWER_MS))
  if (!success) exitFailed("--replace: the running server does not answer, or cannot be replaced; it goes on")
  return { talk, hello }
}

/** Takes the place of the running process; this one listens already. */
async function takeFrom({ talk, hello }: Running, config: Config, log: Log): Promise<State | undefined> {
  const { version, pid, keepsRooms } = hello
  talk.say({ take: true })
  if ((await talk.next(ANSWER_MS))?.["ready"] !== true) {
    exitFailed(`--replace: the running server (process ${pid}) does not answer any more; it goes on`)
  }
  steerConnectionsHere()
  log.info({ version, pid }, "takes the place of another process")
  talk.say({ now: true })
  if (keepsRooms !== true) return undefined
  const end = await talk.next(STATE_MS)
  if (end?.["done"] !== true) log.warn({ pid }, "the other process did not say that it is done")
  return await (await findLeft(config, log)).before?.()
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
