// Plug-ins from files, by the compiled executable alone: no Bun on the path, any working directory, and one clear line
// with exit code 2 for whatever is wrong with them.

import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { TestClient } from "../helpers/client.ts"
import { runExecutable, startNode } from "../helpers/node.ts"

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "palava-plugins-"))
})
afterAll(async () => {
  await rm(folder, { recursive: true })
})

async function file(name: string, text: string): Promise<string> {
  const path = join(folder, name)
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, text)
  return path
}

/** A plug-in that adds its name to a list in `joined_room`, and nothing else. */
const greeter = (name: string) => `
import { definePlugin } from "palava-machine"
export default definePlugin({
  name: "${name}",
  contract: 1,
  setup: () => ({ decorate: () => ({ last: "${name}", ["${name}"]: true }) }),
})
`

const checkConfig = (args: readonly string[], cwd = "/") => runExecutable(["check-config", ...args], {}, cwd)

test("TypeScript with relative imports and npm packages beside it, from any folder", async () => {
  await file("lib/words.ts", 'export const word: string = "relative"\n')
  await file("lib/node_modules/tiny/package.json", '{ "name": "tiny", "version": "1.0.0", "main": "main.js" }')
  await file("lib/node_modules/tiny/main.js", 'module.exports = { word: "packaged" }\n')
  const path = await file(
    "lib/words-plugin.ts",
    `
import { createHash } from "node:crypto"
import { definePlugin, v } from "palava-machine"
import tiny from "tiny"
import { word } from "./words"

interface Typed { readonly words: string[] }

export default definePlugin({
  name: "words",
  contract: 1,
  options: v.object({ more: v.array(v.string()) }),
  setup: (_server, { more }) => {
    const typed: Typed = { words: [word, tiny.word, ...more, createHash("md5").update("").digest("hex").slice(0, 4)] }
    return { decorate: () => ({ ...typed }) }
  },
})
`,
  )
  const config = await file("words.toml", `plugin = ["${path}"]\n[plugins.words]\nmore = ["configured"]\n`)
  await using node = await startNode(["--config", config])
  const client = await TestClient.connect(node.url)
  expect((await client.join("r"))["words"]).toEqual(["relative", "packaged", "configured", "d41d"])
})

test("JavaScript, and a path relative to the working directory", async () => {
  await file("plain.js", greeter("plain"))
  const { code, stdout } = await checkConfig(["--plugin", "./plain.js"], folder)
  expect(code).toBe(0)
  expect(stdout).toContain('plugin = ["./plain.js"]  # --plugin')
})

test("are asked in the order of the command line, behind the built-in ones", async () => {
  const [a, b] = [await file("a.ts", greeter("a")), await file("b.ts", greeter("b"))]
  for (const [paths, last] of [
    [[a, b], "b"],
    [[b, a], "a"],
  ] as const) {
    const ice = ["--ice-server", "stun:stun.example.org:3478"]
    await using node = await startNode([...ice, ...paths.flatMap((path) => ["--plugin", path])])
    const client = await TestClient.connect(node.url)
    const { event, own_id, peers, ...fields } = await client.join("r")
    expect(JSON.stringify(fields)).toBe(
      JSON.stringify({
        ice_servers: [{ urls: ["stun:stun.example.org:3478"] }],
        last,
        [paths[0] === a ? "a" : "b"]: true,
        [last]: true,
      }),
    )
  }
})

describe("one clear line and exit 2 for a plug-in", () => {
  const define = (rest: string) =>
    `import { definePlugin, onEvent, v } from "palava-machine"\nexport default definePlugin({ ${rest} })\n`
  test.each<[what: string, text: string | undefined, line: string]>([
    ["that is missing", undefined, "no such file"],
    ["that cannot be parsed", "export default {\n  name: ", "Unexpected end of file (PATH:2:"],
    ["that throws", '\n  throw new Error("broken\\nin two lines")', "broken (PATH:2:"],
    ["that misses a package", 'import "no-such-package"', "Cannot find package 'no-such-package'"],
    ["without a default export", "export const x = 1", "must have a default export made by definePlugin"],
    ["made by hand", 'export default { name: "x", contract: 1, setup: () => ({}) }', "made by definePlugin"],
    [
      "of another contract",
      define('name: "x", contract: 2, setup: () => ({})'),
      "is written for contract 2, but this server has contract 1",
    ],
    ["without a contract", define('name: "x", setup: () => ({})'), "is written for contract undefined"],
    ["with a bad name", define('name: "Bad Name", contract: 1, setup: () => ({})'), "name must be lower case"],
    ["without setup", define('name: "x", contract: 1'), "setup must be a function"],
    [
      "with a slip of the pen",
      define('name: "x", contract: 1, set_up: 1, setup: () => ({})'),
      "set_up: did you mean setup? (PATH:2)",
    ],
    [
      "with an unknown hook",
      define('name: "x", contract: 1, setup: () => ({ conect() {} })'),
      "did you mean connect? (PATH:2)",
    ],
    [
      "whose setup throws",
      define('name: "x", contract: 1, setup() { throw new Error("oh") }'),
      "setup failed: oh (PATH:2:",
    ],
    ["with a slip in setup", define('name: "x", contract: 1, setup() { return hoks }'), "hoks is not defined (PATH:2:"],
    [
      "with a hook that there is none like",
      define('name: "x", contract: 1, setup: () => ({ x: 1 })'),
      "no x, but only start,",
    ],
    [
      "that takes an event of the protocol",
      define('name: "x", contract: 1, setup: () => ({ events: { ping: onEvent(v.object({}), () => {}) } })'),
      "event ping belongs to the server already",
    ],
    [
      "that takes an event of another",
      define('name: "x", contract: 1, setup: () => ({ events: { info: onEvent(v.object({}), () => {}) } })'),
      "event info belongs to plug-in info already",
    ],
    [
      "that takes a route",
      define('name: "x", contract: 1, setup: () => ({ routes: { admin: { "/metrics": () => new Response() } } })'),
      "admin route /metrics belongs to the server already",
    ],
    [
      "of a name that is taken",
      define('name: "ice", contract: 1, setup: () => ({})'),
      "plug-in ice: there are two of that name",
    ],
    [
      "whose options are missing",
      define('name: "x", contract: 1, options: v.object({ url: v.string() }), setup: () => ({})'),
      '[plugins.x]: url: Invalid key: Expected "url" but received undefined',
    ],
  ])("%s", async (_what, text, line) => {
    const name = `${crypto.randomUUID()}.ts`
    const path = text === undefined ? join(folder, name) : await file(name, text)
    for (const command of [["check-config"], []]) {
      const { code, stdout, stderr } = await runExecutable([...command, "--plugin", path])
      expect(stderr.trim().split("\n")).toEqual([expect.stringContaining(line.replace("PATH", path))])
      expect({ code, stdout }).toEqual({ code: 2, stdout: "" })
    }
  })

  test("all mistakes at once, and options for nobody", async () => {
    const config = await file("two.toml", "[plugins.a]\nx = 1\n")
    const a = await file("a.ts", greeter("a"))
    const both = await checkConfig(["--config", config, "--plugin", a, "--plugin", join(folder, "none.ts")])
    expect(both.stderr.trim().split("\n")).toEqual([
      "palava-machine: [plugins.a]: plug-in a takes no options",
      `palava-machine: --plugin ${join(folder, "none.ts")}: no such file`,
    ])
    const other = await file("other.toml", "[plugins.b]\nx = 1\n")
    const { code, stderr } = await checkConfig(["--config", other, "--plugin", a])
    expect(code).toBe(2)
    expect(stderr).toBe("palava-machine: [plugins.b]: there is no such plug-in, but only a (see --plugin)\n")
  })

  test("a start that fails or hangs ends the program with its name", async () => {
    for (const [start, line] of [
      ['throw new Error("no database")', "plug-in x: start failed: no database (PATH:2:112)"],
      ["return new Promise(() => {})", "plug-in x: start failed: no answer within 0.1 s"],
    ] as const) {
      const path = await file(
        `${crypto.randomUUID()}.ts`,
        define(`name: "x", contract: 1, timeoutSeconds: 0.1, setup: () => ({ start() { ${start} } })`),
      )
      const { code, stderr } = await runExecutable(["--port", "0", "--admin-listen", "off", "--plugin", path])
      expect(stderr).toBe(`palava-machine: ${line.replace("PATH", path)}\n`)
      expect(code).toBe(1)
    }
  })
})
