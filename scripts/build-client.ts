// Builds the browser package from src/client into dist/client/package: `bun scripts/build-client.ts`.
//
// Two entry points, client and mesh, each one file of JavaScript with its map and one declaration file. `npm pack` makes
// the package of the folder (`make client`); dist/scripts has the same files as text, which the executable embeds and
// serves (.txt, because Bun would bundle an imported script once more).
import { cp, mkdir, rm } from "node:fs/promises"
import { basename, join, relative } from "node:path"
import { license, version } from "../package.json" with { type: "json" }

const ROOT = join(import.meta.dir, "..")
const SOURCES = join(ROOT, "src/client")
const OUTPUT = join(ROOT, "dist/client")
const PACKAGE = join(OUTPUT, "package")
const TYPES = join(OUTPUT, "types")
const EMBEDDED = join(ROOT, "dist/scripts")

/** Name of the file, and what it is made of. */
const ENTRIES = { client: "index", mesh: "mesh/index" }

for (const folder of [OUTPUT, EMBEDDED]) await rm(folder, { recursive: true, force: true })
for (const folder of [PACKAGE, EMBEDDED]) await mkdir(folder, { recursive: true })
await emitTypes()
for (const [name, entry] of Object.entries(ENTRIES)) {
  const script = await bundle(name, join(SOURCES, `${entry}.ts`))
  await put(`${name}.d.ts`, await declarations(join(TYPES, "client", `${entry}.d.ts`)))
  const gzipped = Bun.gzipSync(Buffer.from(script), { level: 9 }).length
  console.log(`dist/client/package/${name}.js  ${(gzipped / 1024).toFixed(1)} KiB gzipped`)
}
await Bun.write(
  join(PACKAGE, "package.json"),
  `${JSON.stringify(
    {
      name: "palava-machine-client",
      version,
      description:
        "WebRTC signaling client for palava-machine: rooms, resumption, and connections to everybody in them",
      license,
      type: "module",
      sideEffects: false,
      types: "./client.d.ts",
      exports: {
        ".": { types: "./client.d.ts", default: "./client.js" },
        "./mesh": { types: "./mesh.d.ts", default: "./mesh.js" },
      },
    },
    undefined,
    2,
  )}\n`,
)
await cp(join(ROOT, "docs/client.md"), join(PACKAGE, "README.md"))
await cp(join(ROOT, "LICENSE"), join(PACKAGE, "LICENSE"))

/** Into the package, and as text for the executable. */
async function put(name: string, text: string): Promise<void> {
  await Bun.write(join(PACKAGE, name), text)
  await Bun.write(join(EMBEDDED, `${name}.txt`), text)
}

async function bundle(name: string, entry: string): Promise<string> {
  const { outputs } = await Bun.build({
    entrypoints: [entry],
    target: "browser",
    minify: true,
    sourcemap: "external",
  })
  const [script, map] = outputs
  if (script === undefined || map === undefined) throw new Error(`${entry} gave no output`)
  const text = `${(await script.text()).replace(/\n\/\/# debugId=.*\s*$/, "").trim()}\n//# sourceMappingURL=${name}.js.map\n`
  await put(`${name}.js`, text)
  const { sources, ...rest } = (await map.json()) as { sources: string[] }
  const named = sources.map((source) => relative(SOURCES, join(ROOT, source.slice(source.indexOf("src/client")))))
  await put(`${name}.js.map`, `${JSON.stringify({ ...rest, file: `${name}.js`, sources: named })}\n`)
  return text
}

async function emitTypes(): Promise<void> {
  const compiler = join(ROOT, "node_modules/typescript/bin/tsc")
  const flags = ["--noEmit", "false", "--declaration", "--emitDeclarationOnly", "--rootDir", "src", "--outDir", TYPES]
  const child = Bun.spawn([process.execPath, compiler, "-p", "src/web", ...flags], {
    cwd: ROOT,
    stdout: "inherit",
    stderr: "inherit",
  })
  if ((await child.exited) !== 0) throw new Error("the client's types do not compile")
}

/**
 * One declaration file of an entry point: what it exports, and what that needs. Of the other entry point it imports:
 * all that is outside the folder of this one.
 */
async function declarations(entry: string): Promise<string> {
  const exported = new Set<string>()
  const found = new Map<string, string>()
  const imported = new Set<string>()
  const folder = join(entry, "..")
  const read = async (path: string): Promise<void> => {
    const text = await Bun.file(path).text()
    for (const [, names = "", from = ""] of text.matchAll(/^(?:import|export)(?: type)? \{([^}]*)\} from "(.*)";$/gm)) {
      if (from.startsWith("../")) for (const name of namesIn(names)) imported.add(name)
      else if (!found.has(from)) {
        found.set(from, "")
        await read(join(folder, from.replace(/\.ts$/, ".d.ts")))
      }
    }
    // A declaration begins at the margin, with the comment above it.
    for (const [block] of text.matchAll(
      /^(?:\/\*\*(?:(?!\*\/)[\s\S])*\*\/\n)?export (?!\{|type \{)[\s\S]*?(?=^(?:\/\*\*|export |import )|$(?![\s\S]))/gm,
    )) {
      const name = /^export (?:declare )?(?:class|const|function|interface|type) (\w+)/m.exec(block)?.[1]
      if (name === undefined) throw new Error(`${basename(path)} declares something new: ${block}`)
      found.set(name, block.trim())
      if (path === entry) exported.add(name)
    }
    if (path !== entry) return
    for (const [, names = ""] of text.matchAll(/^export(?: type)? \{([^}]*)\}/gm)) {
      for (const name of namesIn(names)) exported.add(name)
    }
  }
  await read(entry)
  const needed = new Set(exported)
  for (const name of needed) {
    for (const [word] of (found.get(name) ?? "").matchAll(/\b[A-Z]\w+\b/g)) if (found.has(word)) needed.add(word)
  }
  const texts = [...needed].map((name) => {
    const text = found.get(name)
    if (text === undefined) throw new Error(`${name} is exported but not declared`)
    return exported.has(name) ? text : text.replace(/^export /m, "")
  })
  const used = [...imported].filter((name) => texts.some((text) => new RegExp(`\\b${name}\\b`).test(text)))
  const head = used.length === 0 ? [] : [`import type { ${used.sort().join(", ")} } from "./client.js"`]
  return `${[...head, ...texts, "export {}"].join("\n\n")}\n`
}

function namesIn(list: string): string[] {
  return list.split(",").flatMap((name) => name.trim().replace(/^type /, "") || [])
}
