// The file in which a node without Redis leaves its held memberships at its end, for the next start. Frames of clients are
// in it, so only its owner may read it, and it is gone as soon as it has been read: it works once. A file that is no state
// file is left as it is, and not written over.

import { constants, type Stats } from "node:fs"
import { type FileHandle, open, rename, unlink } from "node:fs/promises"
import { readState, STATE_BEGINS, type State } from "./state.ts"

/** What stands beside the frames in a state, in bytes: 256 MiB is 100,000 members with statuses of 2 KiB. */
const OTHER_BYTES = 268_435_456

/** 1 MiB in bytes; frames with their quotation marks escaped take twice what they take in memory at most. */
const FRAME_BYTES_PER_MB = 2 * 1_048_576

/** Only its owner. */
const MODE = 0o600

/** What was found where a state file should be. */
export type Found =
  /** Nothing, as after a first start. */
  | { readonly kind: "nothing" }
  /** It can be used, once `take` has removed it. */
  | { readonly kind: "state"; readonly state: State; readonly take: () => Promise<void> }
  /** A state file that is of no use; it was removed. */
  | { readonly kind: "useless"; readonly reason: string }
  /** No state file of this user; it stays, and nothing may be written there. */
  | { readonly kind: "foreign"; readonly reason: string }

/** Which state file, and what of it may be used. */
export interface StateFileOptions {
  readonly stateFile: string
  readonly resumeSeconds: number
  readonly resumeMemoryMb: number
}

/** Most bytes of a state. */
export function maxStateBytes({ resumeMemoryMb }: Pick<StateFileOptions, "resumeMemoryMb">): number {
  return OTHER_BYTES + resumeMemoryMb * FRAME_BYTES_PER_MB
}

/** Looks at what is there. */
export async function findState(options: StateFileOptions): Promise<Found> {
  const { stateFile: path, resumeSeconds } = options
  let file: FileHandle
  try {
    // Not through a link, and not waiting for who would write into a pipe.
    file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (cause) {
    const { code = "", message } = cause as { code?: string; message: string }
    return code === "ENOENT" ? { kind: "nothing" } : { kind: "foreign", reason: OPEN_REASONS[code] ?? message }
  }
  try {
    const about = await file.stat()
    const foreign = await whyForeign(file, about, maxStateBytes(options))
    if (foreign !== undefined) return { kind: "foreign", reason: foreign }
    const state =
      (about.mode & 0o077) === 0
        ? readState(await file.readFile("utf8"), resumeSeconds)
        : `others may use it (mode ${(about.mode & 0o777).toString(8)}, not ${MODE.toString(8)})`
    const take = () => unlink(path)
    if (typeof state !== "string") return { kind: "state", state, take }
    await take()
    return { kind: "useless", reason: state }
  } catch (cause) {
    return { kind: "foreign", reason: cause instanceof Error ? cause.message : String(cause) }
  } finally {
    await file.close()
  }
}

/**
 * Writes a state in place of the one before, whole or not at all.
 * @throws when it is too large, or cannot be written
 */
export async function writeState(options: StateFileOptions, text: string): Promise<void> {
  const { stateFile: path } = options
  if (Buffer.byteLength(text) > maxStateBytes(options)) throw new Error("too much is held for the state file")
  const temporary = `${path}.new`
  await unlink(temporary).catch(() => {})
  const file = await open(temporary, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, MODE)
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(temporary, path)
}

const OPEN_REASONS: Readonly<Record<string, string>> = {
  ELOOP: "it is a symbolic link",
  EACCES: "it may not be read",
  ENXIO: "it is no regular file",
}

async function whyForeign(file: FileHandle, about: Stats, maxBytes: number): Promise<string | undefined> {
  if (!about.isFile()) return "it is no regular file"
  if (about.uid !== process.getuid?.()) return `it belongs to user ${about.uid}, not to ${process.getuid?.()}`
  if (about.size > maxBytes) return `it has ${about.size} bytes, of which a state file has ${maxBytes} at most`
  if (about.size === 0) return undefined
  const begin = Buffer.alloc(STATE_BEGINS.length)
  await file.read(begin, 0, begin.length, 0)
  return begin.toString("latin1") === STATE_BEGINS ? undefined : "it is no state file"
}
