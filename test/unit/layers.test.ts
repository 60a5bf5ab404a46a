// Dependencies point one way. Reads the import lines of src and fails on any arrow that is not drawn here.

import { expect, test } from "bun:test"
import { readdirSync, readFileSync } from "node:fs"
import { dirname, join, relative, resolve } from "node:path"

const SRC = join(import.meta.dir, "../../src")

/** What each folder of src may import: folders of src, packages, and Node's own modules. */
const ARROWS: Record<string, readonly string[]> = {
  access: ["clock.ts", "log.ts", "ipaddr.js", "jose", "valibot", "node:crypto", "node:fs/promises"],
  connections: ["clock.ts", "log.ts", "slices.ts", "node:crypto"],
  rooms: ["clock.ts", "durations.ts", "log.ts", "node:crypto"],
  cluster: [
    "clock.ts",
    "durations.ts",
    "log.ts",
    "rooms",
    "scripts",
    "redis",
    "@msgpack/msgpack",
    "node:crypto",
    "node:net",
  ],
  dialects: ["clock.ts", "log.ts", "connections", "rooms", "valibot", "node:crypto"],
  trace: ["clock.ts", "rooms"],
  admin: ["clock.ts", "log.ts", "connections", "dialects", "rooms", "trace", "valibot"],
  plugins: [
    "access",
    "log.ts",
    "suggest.ts",
    "connections",
    "dialects",
    "rooms",
    "stats",
    "valibot",
    "node:crypto",
    "node:fs",
    "node:path",
  ],
  stats: ["cluster", "node:crypto", "node:fs/promises", "node:timers/promises"],
  server: [
    "access",
    "clock.ts",
    "log.ts",
    "connections",
    "dialects",
    "rooms",
    "dist",
    "bun",
    "node:crypto",
    "node:net",
    "node:os",
    "bun:ffi",
    "node:fs",
    "libc.ts",
  ],
  telemetry: [
    "open-file-limit.ts",
    "durations.ts",
    "log.ts",
    "connections",
    "dialects",
    "rooms",
    "cluster",
    "package.json",
    "pino",
    "prom-client",
    "node:fs",
  ],
  certificates: ["clock.ts", "log.ts", "node:crypto", "node:fs", "node:tls"],
  config: ["access", "certificates", "suggest.ts", "valibot", "node:fs", "node:os", "node:path", "node:util"],
  app: [
    "slices.ts",
    "open-file-limit.ts",
    "access",
    "clock.ts",
    "log.ts",
    "admin",
    "server",
    "connections",
    "dialects",
    "rooms",
    "cluster",
    "plugins",
    "stats",
    "telemetry",
    "trace",
    "config",
    "certificates",
    "dist",
    "package.json",
    "valibot",
    "node:fs",
    "node:fs/promises",
    "node:os",
  ],
  doctor: [
    "open-file-limit.ts",
    "access",
    "certificates",
    "client",
    "cluster",
    "config",
    "dialects",
    "node:crypto",
    "node:dgram",
    "node:fs",
    "node:net",
    "node:tls",
  ],
  workers: [
    "log.ts",
    "admin",
    "app",
    "cluster",
    "config",
    "rooms",
    "server",
    "telemetry",
    "bun",
    "prom-client",
    "node:fs",
    "node:os",
    "node:path",
  ],
  commands: [
    "access",
    "duration-text.ts",
    "libc.ts",
    "log.ts",
    "app",
    "admin",
    "doctor",
    "rooms",
    "server",
    "stats",
    "plugins",
    "telemetry",
    "workers",
    "config",
    "dist",
    "package.json",
    "valibot",
    "bun:ffi",
    "node:fs",
    "node:fs/promises",
    "node:net",
    "node:path",
  ],
  client: [],
  web: ["client", "duration-text.ts", "uplot"],
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

test("nothing outside of a dialect's folder knows its words, but for whoever puts the node together", () => {
  const wrong = filesOf(SRC).flatMap((file) => {
    const path = relative(SRC, file)
    if (/^(app|telemetry)\//.test(path)) return []
    return targetsOf(file)
      .filter((target) => /^dialects\/[^/]+\//.test(target) && !path.startsWith(`${dirname(target)}/`))
      .map((target) => `${path} imports ${target}`)
  })
  expect(wrong).toEqual([])
})

test("no file imports itself by way of others, types included", () => {
  const graph = new Map(filesOf(SRC).map((file) => [relative(SRC, file), targetsOf(file)]))
  const done = new Set<string>()
  const visit = (file: string, path: readonly string[]): string | undefined => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file].join(" > ")
    if (done.has(file)) return undefined
    for (const target of graph.get(file) ?? []) {
      const circle = visit(target, [...path, file])
      if (circle !== undefined) return circle
    }
    done.add(file)
    return undefined
  }
  const circles = [...graph.keys()].map((file) => visit(file, [])).filter((circle) => circle !== undefined)
  expect(circles).toEqual([])
})

/** The files of src that a file imports. */
function targetsOf(file: string): string[] {
  return [...readFileSync(file, "utf8").matchAll(IMPORT)]
    .map((match) => match[1] ?? match[2] ?? match[3] ?? "")
    .filter((target) => target.startsWith("."))
    .map((target) => relative(SRC, resolve(dirname(file), target)))
    .filter((target) => !target.startsWith(".."))
}

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
