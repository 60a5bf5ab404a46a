// Dependencies point one way. Reads the import lines of src and fails on any arrow that is not drawn here.

import { expect, test } from "bun:test"
import { readdirSync, readFileSync } from "node:fs"
import { dirname, join, relative, resolve } from "node:path"

const SRC = join(import.meta.dir, "../../src")

/** What each folder of src may import: folders of src, packages, and Node's own modules. */
const ARROWS: Record<string, readonly string[]> = {
  rooms: ["node:crypto"],
  connections: [],
  dialects: ["rooms", "connections", "valibot"],
  cluster: ["rooms", "scripts", "redis", "@msgpack/msgpack", "node:crypto", "node:timers/promises"],
  signaling: ["rooms", "connections", "dialects"],
  plugins: ["signaling", "rooms", "connections", "dialects", "stats", "valibot", "node:crypto", "node:path"],
  stats: ["cluster", "node:crypto", "node:fs/promises", "node:timers/promises"],
  server: ["signaling", "rooms", "connections", "dist", "bun", "node:crypto"],
  telemetry: ["signaling", "rooms", "cluster", "pino", "prom-client"],
  config: ["valibot", "node:fs", "node:util"],
  app: [
    "server",
    "signaling",
    "cluster",
    "rooms",
    "plugins",
    "stats",
    "telemetry",
    "config",
    "dist",
    "package.json",
    "node:fs",
  ],
  commands: ["app", "stats", "plugins", "signaling", "telemetry", "config", "dist", "package.json"],
  client: [],
  web: ["client", "uplot"],
}

const IMPORT =
  /(?:^|\n)\s*(?:import|export)\b[^"';]*?\bfrom\s+"([^"]+)"|\bimport\("([^"]+)"\)|(?:^|\n)import\s+"([^"]+)"/g

for (const [folder, allowed] of Object.entries(ARROWS)) {
  test(`src/${folder} imports only ${allowed.join(", ") || "itself"}`, () => {
    const wrong = filesOf(join(SRC, folder)).flatMap((file) =>
      importsOf(file)
        .filter((target) => target !== folder && !allowed.includes(target))
        .map((target) => `${relative(SRC, file)} imports ${target}`),
    )
    expect(wrong).toEqual([])
  })
}

test("every folder of src has its arrows drawn", () => {
  const folders = readdirSync(SRC, { withFileTypes: true }).filter((entry) => entry.isDirectory())
  expect(folders.map(({ name }) => name).sort()).toEqual(Object.keys(ARROWS).sort())
})

function filesOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
}

/** Where each import of a file leads: a folder of src, a top-level folder, or a package. */
function importsOf(file: string): string[] {
  return [...readFileSync(file, "utf8").matchAll(IMPORT)].map((match) => {
    const target = match[1] ?? match[2] ?? match[3] ?? ""
    if (!target.startsWith(".")) return target
    const path = resolve(dirname(file), target)
    const inSrc = relative(SRC, path)
    return inSrc.startsWith("..") ? (relative(join(SRC, ".."), path).split("/")[0] ?? "") : (inSrc.split("/")[0] ?? "")
  })
}
