// What a release says of itself: version, the time of its commit, its entry in CHANGELOG.md.

import { execFileSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { version as packageVersion } from "../../package.json" with { type: "json" }

/** The sources. */
export const ROOT = join(import.meta.dir, "../..")

/** VERSION in the environment gives another one, for builds between releases. */
export const version = process.env["VERSION"] || packageVersion

/**
 * Unix seconds: the time of the commit, so that whoever builds it gets the same bytes. SOURCE_DATE_EPOCH
 * (reproducible-builds.org) gives another one; without git it is the beginning of 1980, as zip files know none earlier.
 */
export const epoch: number = Number(process.env["SOURCE_DATE_EPOCH"]) || commitTime() || 315_532_800

function commitTime(): number {
  try {
    return Number(
      execFileSync("git", ["log", "-1", "--format=%ct"], {
        cwd: ROOT,
        encoding: "utf8",
        stdio: ["ignore", "pipe", "ignore"],
      }),
    )
  } catch {
    return 0
  }
}

/** The time as ISO 8601. */
export const date = new Date(epoch * 1000).toISOString()

/** The entry of the version, or the one on top: what is not released yet. */
export function changelogEntry(): string {
  const [, ...entries] = readFileSync(join(ROOT, "CHANGELOG.md"), "utf8").split(/^## /m)
  const entry = entries.find((text) => text.split("\n")[0]?.includes(packageVersion)) ?? entries[0] ?? ""
  return `## ${entry.trim()}\n`
}

/** Runs a command; its failure ends the build, with what it said. */
export function run(command: string, args: readonly string[], cwd = ROOT): void {
  const env = { ...process.env, SOURCE_DATE_EPOCH: String(epoch), LC_ALL: "C", TZ: "UTC" }
  execFileSync(command, args, { cwd, env, stdio: ["ignore", "inherit", "inherit"] })
}
