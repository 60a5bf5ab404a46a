// `palava-machine doctor`: what keeps users from connecting, a line each, and what to do about it.

import { makePlugins } from "../app/parts.ts"
import type { Invocation } from "../config/load.ts"
import { examine } from "../doctor/examine.ts"
import type { Finding, Verdict } from "../doctor/finding.ts"
import { SILENT } from "../telemetry/log.ts"
import { EXIT_FAILED } from "./exit.ts"

/** How a verdict is written. */
const MARKS: Readonly<Record<Verdict, string>> = { ok: "ok  ", odd: "odd ", bad: "BAD ", skipped: "-   " }

/**
 * Prints a line for each thing that was looked at. Ends with exit code 1 when something is bad.
 * @throws PluginMistakes when a plug-in cannot be used
 */
export async function doctor({ config, doctorFlags, sources }: Invocation): Promise<void> {
  await makePlugins(config, SILENT)
  const changed = Object.values(sources).filter((source) => source !== "default").length
  print({ verdict: "ok", what: "configuration", result: `good; ${changed} options are not the default` })
  const findings = await examine(config, doctorFlags.url)
  for (const finding of findings) print(finding)
  const count = (verdict: Verdict) => findings.filter((finding) => finding.verdict === verdict).length
  const [bad, odd] = [count("bad"), count("odd")]
  console.log(bad === 0 && odd === 0 ? "nothing is wrong" : `${bad} bad, ${odd} odd`)
  // What was asked may still wait for an answer that nobody needs any more.
  process.exit(bad > 0 ? EXIT_FAILED : 0)
}

function print({ verdict, what, result, advice }: Finding): void {
  console.log(`${MARKS[verdict]} ${what}: ${result}${advice === undefined ? "" : `: ${advice}`}`)
}
