// docs/plugins.md: every example is compiled as its reader would, with the types that the executable prints, and is
// loaded by the executable; there is one for each hook.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { TestClient } from "../helpers/client.ts"
import { runExecutable, startNode } from "../helpers/node.ts"
import { EXAMPLES } from "./nodes.ts"

const ROOT = join(import.meta.dir, "../..")
const HOOKS = [
  ...[
    "start",
    "stop",
    "connect",
    "join",
    "look",
    "decorate",
    "events",
    "observe",
    "told",
    "routes",
    "metrics",
    "keeps",
  ],
]

let folder: string
let files: string[]
let text: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "palava-docs-"))
  text = await Bun.file(join(ROOT, "docs/plugins.md")).text()
  files = []
  for (const [, source = ""] of text.matchAll(/```ts\n([\s\S]*?)```/g)) {
    const name = source.match(/name: "([a-z-]+)"/)?.[1] ?? "nameless"
    const path = join(folder, `${name}.ts`)
    await writeFile(path, source)
    files.push(path)
  }
})

afterAll(async () => {
  await rm(folder, { recursive: true })
})

test("there is one example for each hook", () => {
  const examples = [...text.matchAll(/```ts\n[\s\S]*?```/g)].join("")
  for (const hook of HOOKS) expect(examples).toMatch(new RegExp(`\\b${hook}(:|\\()`))
  expect(files.length).toBeGreaterThanOrEqual(HOOKS.length)
})

test.each([
  ["with", {}],
  ["without", { valibot: ["./nowhere"] }],
])("the examples compile in a folder of their own, with the printed types, and %s valibot", async (_with, paths) => {
  const types = await runExecutable(["plugin-types"])
  await writeFile(join(folder, "palava-machine.d.ts"), types.stdout)
  await rm(join(folder, "node_modules"), { force: true })
  await symlink(join(ROOT, "node_modules"), join(folder, "node_modules"))
  await writeFile(
    join(folder, "tsconfig.json"),
    JSON.stringify({
      compilerOptions: {
        strict: true,
        noEmit: true,
        module: "preserve",
        target: "esnext",
        lib: ["esnext", "dom"],
        types: [],
        paths,
      },
      include: ["*.ts"],
    }),
  )
  const compiler = Bun.spawn([process.execPath, join(ROOT, "node_modules/typescript/bin/tsc"), "-p", folder], {
    stdout: "pipe",
    stderr: "pipe",
  })
  const output = await new Response(compiler.stdout).text()
  expect({ output, code: await compiler.exited }).toEqual({ output: "", code: 0 })
})

test("the types are wrong where the plug-in is", async () => {
  const wrong = await mkdtemp(join(tmpdir(), "palava-docs-wrong-"))
  await writeFile(join(wrong, "palava-machine.d.ts"), (await runExecutable(["plugin-types"])).stdout)
  await symlink(join(ROOT, "node_modules"), join(wrong, "node_modules"))
  await writeFile(
    join(wrong, "wrong.ts"),
    `import { definePlugin, onEvent, v } from "palava-machine"
export const data = definePlugin({ name: "x", contract: 1, setup: () => ({
  connect: (_request) => ({ user: "ada" }),
  decorate: ({ data }) => ({ user: data.usr }),
}) })
export const fields = definePlugin({ name: "x", contract: 1, setup: () => ({
  events: { hey: onEvent(v.object({ text: v.string() }), ({ fields, reply }) => reply("hey", { text: fields.txt })) },
}) })
export const contract = definePlugin({ name: "x", contract: 2, setup: () => ({}) })
`,
  )
  const args = ["--strict", "--noEmit", "--module", "preserve", "--target", "esnext", "--types", ""]
  const compiler = Bun.spawn(
    [process.execPath, join(ROOT, "node_modules/typescript/bin/tsc"), ...args, "wrong.ts", "palava-machine.d.ts"],
    { cwd: wrong, stdout: "pipe" },
  )
  const output = await new Response(compiler.stdout).text()
  await rm(wrong, { recursive: true })
  expect(output).toContain("Property 'usr' does not exist")
  expect(output).toContain("Property 'txt' does not exist")
  expect(output).toContain("Type '2' is not assignable to type '1'")
})

test("the executable loads them all together", async () => {
  const config = join(folder, "palava.toml")
  const toml = text.match(/```toml\n([\s\S]*?)```/)?.[1] ?? ""
  await writeFile(config, toml.replace(/^plugin = .*$/m, ""))
  const others = files.filter((path) => !path.endsWith("password.ts") && !path.endsWith("names-only.ts"))
  await using node = await startNode(["--config", config, ...others.flatMap((path) => ["--plugin", path])])
  const client = await TestClient.connect(node.url)
  expect(await client.join("r")).toMatchObject({
    greeting: "Welcome! You are number 1 here.",
    motto: "BE KIND",
    server_version: expect.any(String),
    claps: 0,
  })
  client.send({ event: "roll_dice", sides: 6, ref: 1 })
  const rolled = await client.next("dice_rolled")
  expect(await client.next("dice_result")).toEqual({ event: "dice_result", result: rolled["result"], ref: 1 })
  client.send({ event: "roll_dice", sides: 7 })
  await client.next("error")
  expect(await node.metric("palava_errors_seen_errors_total", 'id="invalid_message"')).toBe(1)
  expect(await (await fetch(`${node.httpUrl}robots.txt`)).text()).toStartWith("User-agent")
})

test("password and names-only refuse as the documentation says", async () => {
  const chosen = files.filter((path) => path.endsWith("password.ts") || path.endsWith("names-only.ts"))
  expect(chosen).toHaveLength(2)
  await using node = await startNode(chosen.flatMap((path) => ["--plugin", path]))
  expect(await (await TestClient.connect(node.url)).closed).toEqual({ code: 4501, reason: "wrong password" })
  const client = await TestClient.connect(`${node.url}?password=sesame&teacher=yes`)
  expect(await client.join("r")).toMatchObject({ id: "name_needed", message: "tell us your name" })
  expect(await client.join("r", { name: "Ada" })).toMatchObject({ event: "joined_room", is_teacher: true })
})

test("the first example is the one in the examples, of ten lines", async () => {
  const hello = await Bun.file(join(EXAMPLES, "hello.ts")).text()
  expect(await Bun.file(join(folder, "hello.ts")).text()).toBe(hello)
  expect(hello.trim().split("\n")).toHaveLength(10)
})
