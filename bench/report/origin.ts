// Where figures come from: machine, commit and versions, for the head of a run and for every results file.

import { readFileSync } from "node:fs"
import { availableParallelism, cpus, release, totalmem } from "node:os"
import { join } from "node:path"
import { run } from "../servers/processes.ts"

/** Where a figure comes from. */
export interface Origin {
  date: string
  commit: string
  machine: { cpu: string; cores: number; memoryMb: number; kernel: string }
  /** Of this program, of what it runs on, and of the servers beside it. */
  versions: Record<string, string>
}

/** The packages whose servers are beside ours. */
const ALTERNATIVES = ["peer", "y-webrtc"]

function versionIn(folder: string): string {
  return (JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as { version: string }).version
}

/** What a command says of its version; undefined where there is no such command. */
async function versionOf(command: string, pattern: RegExp): Promise<Record<string, string>> {
  if (Bun.which(command) === null) return {}
  const version = pattern.exec(await run([command, "--version"]))?.[1]
  return version === undefined ? {} : { [command]: version }
}

/** Asks git, the machine, and what is installed. */
export async function readOrigin(root: string): Promise<Origin> {
  const git = async (...args: string[]): Promise<string> => (await run(["git", "-C", root, ...args])).trim()
  const isChanged = (await git("status", "--porcelain", "--untracked-files=no", "--", "src", "scripts")) !== ""
  return {
    date: new Date().toISOString().slice(0, 10),
    commit: (await git("rev-parse", "--short", "HEAD")) + (isChanged ? " with changes" : ""),
    machine: {
      cpu: cpus()[0]?.model.trim() ?? "unknown",
      cores: availableParallelism(),
      memoryMb: Math.round(totalmem() / 2 ** 20),
      kernel: `Linux ${release().split("-")[0]}`,
    },
    versions: {
      "palava-machine": versionIn(root),
      bun: Bun.version,
      ...(await versionOf("redis-server", /v=(\S+)/)),
      ...(await versionOf("node", /v?(\S+)/)),
      ...Object.fromEntries(ALTERNATIVES.map((name) => [name, versionIn(join(root, "node_modules", name))])),
    },
  }
}

/** In one line. */
export function originText({ date, commit, machine, versions }: Origin): string {
  const { cpu, cores, memoryMb, kernel } = machine
  const all = Object.entries(versions).map(([name, version]) => `${name} ${version}`)
  return `${cores} × ${cpu}, ${memoryMb} MiB, ${kernel}; commit ${commit}; ${date}; ${all.join(", ")}`
}
