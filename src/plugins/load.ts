// Plug-ins from files: TypeScript or JavaScript by path, loaded by the compiled executable itself. A file imports the
// contract as the module "palava-machine", which exists only inside this process; its relative imports and the npm
// packages beside it resolve from where it lies.

import { resolve } from "node:path"
import * as v from "valibot"
import { describe, firstLine, type LoadedPlugin, oneLine, PluginMistakes, readOptions } from "./check.ts"
import { admit, closeWith, definePlugin, onEvent, refuse } from "./define.ts"

/** What `import ... from "palava-machine"` gives; contract.ts declares it. */
const MODULE = { definePlugin, onEvent, refuse, admit, closeWith, v }

let isProvided = false

/**
 * Loads and checks plug-ins.
 * @param paths in the order in which the plug-ins shall be asked
 * @param options by plug-in name, from the configuration file
 * @throws PluginMistakes with every mistake found
 */
export async function loadPlugins(
  paths: readonly string[],
  options: Readonly<Record<string, unknown>>,
): Promise<LoadedPlugin[]> {
  if (paths.length > 0) provideModule()
  const loaded: LoadedPlugin[] = []
  const mistakes: string[] = []
  for (const path of paths) {
    const place = `--plugin ${path}`
    let exported: unknown
    try {
      exported = ((await import(resolve(path))) as { default?: unknown }).default
    } catch (cause) {
      mistakes.push(`${place}: ${await explain(cause, resolve(path))}`)
      continue
    }
    const described = describe(exported, path)
    if ("mistake" in described) {
      mistakes.push(described.mistake)
      continue
    }
    const { plugin } = described
    const read = readOptions(plugin, options[plugin.name])
    if ("mistakes" in read) mistakes.push(...read.mistakes)
    else loaded.push({ plugin, options: read.options, path: resolve(path) })
  }
  const names = loaded.map(({ plugin }) => plugin.name)
  if (mistakes.length === 0) {
    for (const name of Object.keys(options)) {
      if (names.includes(name)) continue
      mistakes.push(
        `[plugins.${name}]: there is no such plug-in, but only ${names.join(", ") || "none"} (see --plugin)`,
      )
    }
  }
  if (mistakes.length > 0) throw new PluginMistakes(mistakes)
  return loaded
}

function provideModule(): void {
  if (isProvided) return
  isProvided = true
  Bun.plugin({
    name: "palava-machine",
    setup(build) {
      build.module("palava-machine", () => ({ exports: MODULE, loader: "object" }))
    },
  })
}

/** What is wrong and where: of what cannot be parsed Bun's own error says it. */
async function explain(cause: unknown, path: string): Promise<string> {
  if (!(await Bun.file(path).exists())) return "no such file"
  const { position } = cause as { position?: { file: string; line: number; column: number } | null }
  if (position == null) return oneLine(cause)
  return `${firstLine(cause)} (${position.file}:${position.line}:${position.column})`
}
