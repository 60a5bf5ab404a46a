// Where closed hours go: a file of JSON lines, or a webhook. Both may be given the same hour twice, by two nodes even at
// the same moment, and must make one of it.

import { createHash, randomUUID } from "node:crypto"
import { type FileHandle, open, readFile, writeFile } from "node:fs/promises"
import { type Hour, toIso } from "./hours.ts"

/** Takes one line for each hour, in the order of the hours. */
export interface Sink {
  /** The same for all nodes that write to the same place, without spaces. */
  readonly id: string
  /** Resolves when the line is safe; a line that is there already is not written again. */
  write(hour: Hour, line: string): Promise<void>
}

/** 256 KiB: the last line is far shorter. */
const TAIL_BYTES = 262_144

/** 10 s: a receiver that takes longer is asked again later. */
const REQUEST_MS = 10_000

/** The sink for `--stats-export`: a URL or a file. */
export async function openSink(target: string): Promise<Sink> {
  return /^https?:/.test(target) ? webhookSink(target) : fileSink(target)
}

/**
 * A file that nodes of one machine, or on a shared disk, write together. It is named by an id of its own in `FILE.id`,
 * so that a node with another file never takes up what was begun for this one.
 */
export async function fileSink(path: string): Promise<Sink> {
  await (await open(path, "a")).close()
  return {
    id: `file:${await idOf(path)}`,
    async write(hour, line) {
      const file = await open(path, "r+")
      try {
        const end = await endOf(file)
        if (end.lastHour !== undefined && end.lastHour >= toIso(hour)) return
        // Where the last whole line ends, not "at the end": over a line torn by a crash, and two nodes that write the
        // same line at once write the same bytes to the same place.
        await file.write(Buffer.from(`${end.isOpen ? "\n" : ""}${line}\n`), 0, undefined, end.position)
        await file.sync()
      } finally {
        await file.close()
      }
    },
  }
}

/** POST of each line; the hour is the `idempotency-key`, should a node die between the answer and writing it down. */
export function webhookSink(url: string): Sink {
  return {
    id: `url:${createHash("sha256").update(url).digest("hex").slice(0, 16)}`,
    async write(hour, line) {
      const response = await fetch(url, {
        method: "POST",
        headers: { "content-type": "application/json", "idempotency-key": toIso(hour) },
        body: line,
        redirect: "error",
        signal: AbortSignal.timeout(REQUEST_MS),
      }).catch((cause: { code?: string; name: string }) => {
        // What Bun throws names the URL, which may hold a secret.
        throw new Error(`the receiver of the statistics cannot be reached: ${cause.code ?? cause.name}`)
      })
      if (!response.ok) throw new Error(`the receiver of the statistics answered ${response.status}`)
    },
  }
}

/** Where the last whole line ends, and the hour in it. `isOpen`: it is whole but has no line end, made by hand. */
async function endOf(file: FileHandle): Promise<{ position: number; lastHour: string | undefined; isOpen: boolean }> {
  const { size } = await file.stat()
  const start = Math.max(0, size - TAIL_BYTES)
  const { buffer, bytesRead } = await file.read(Buffer.alloc(size - start), 0, size - start, start)
  const tail = buffer.subarray(0, bytesRead)
  const lineEnd = tail.lastIndexOf(0x0a) + 1
  const rest = hourIn(tail.subarray(lineEnd).toString())
  if (rest !== undefined) return { position: start + bytesRead, lastHour: rest, isOpen: true }
  const lastLine = tail.subarray(0, lineEnd).toString().trimEnd().split("\n").at(-1) ?? ""
  return { position: start + lineEnd, lastHour: hourIn(lastLine), isOpen: false }
}

function hourIn(line: string): string | undefined {
  try {
    const { hour } = JSON.parse(line) as { hour?: unknown }
    return typeof hour === "string" ? hour : undefined
  } catch {
    return undefined
  }
}

async function idOf(path: string): Promise<string> {
  try {
    await writeFile(`${path}.id`, `${randomUUID()}\n`, { flag: "wx" })
  } catch (cause) {
    if ((cause as { code?: string }).code !== "EEXIST") throw cause
  }
  return (await readFile(`${path}.id`, "utf8")).trim()
}
