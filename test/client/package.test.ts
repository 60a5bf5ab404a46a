// The browser package, as `make client` makes it and as the executable serves it.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { version } from "../../package.json" with { type: "json" }
import { startNode } from "../helpers/node.ts"

const ROOT = join(import.meta.dir, "../..")
const FILES = ["client.d.ts", "client.js", "client.js.map", "mesh.d.ts", "mesh.js", "mesh.js.map"]

/** A project that has the package installed, and nothing else but React's types. */
let project: string
let installed: string

beforeAll(async () => {
  project = await mkdtemp(join(tmpdir(), "palava-package-"))
  installed = join(project, "node_modules/palava-machine-client")
  await run(["make", "--no-print-directory", "client"], ROOT)
  await mkdir(installed, { recursive: true })
  const archive = join(ROOT, `dist/client/palava-machine-client-${version}.tgz`)
  await run(["tar", "xzf", archive, "--strip-components=1", "-C", installed], project)
  await mkdir(join(project, "node_modules/@types"))
  for (const name of ["@types/react", "csstype"]) {
    await symlink(join(ROOT, "node_modules", name), join(project, "node_modules", name))
  }
})

afterAll(async () => {
  await rm(project, { recursive: true })
})

/** Its output; fails when the command does. */
async function run(command: string[], cwd: string): Promise<string> {
  const child = Bun.spawn(command, { cwd, stdout: "pipe", stderr: "pipe" })
  const [stdout, stderr] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()])
  if ((await child.exited) !== 0) throw new Error(`${command.join(" ")}: ${stdout}${stderr}`)
  return stdout
}

/** What the compiler says of a file, with all checks on, the declarations themselves included. */
async function compile(name: string, source: string): Promise<string> {
  await writeFile(join(project, name), source)
  const compilerOptions = {
    strict: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: false,
    noEmit: true,
    module: "nodenext",
    target: "esnext",
    lib: ["esnext", "dom", "dom.iterable"],
    types: [],
    jsx: "react-jsx",
  }
  await writeFile(join(project, "tsconfig.json"), JSON.stringify({ compilerOptions, files: [name] }))
  await writeFile(join(project, "package.json"), JSON.stringify({ type: "module" }))
  const compiler = [process.execPath, join(ROOT, "node_modules/typescript/bin/tsc"), "-p", project]
  return await run(compiler, project).catch((error: Error) => error.message)
}

test("it has two entry points with their types and maps, needs nothing, and is small", async () => {
  expect((await readdir(installed)).sort()).toEqual(["LICENSE", "README.md", ...FILES, "package.json"].sort())
  const about = await Bun.file(join(installed, "package.json")).json()
  expect(about).toMatchObject({ name: "palava-machine-client", version, type: "module" })
  expect([about.dependencies, about.peerDependencies]).toEqual([undefined, undefined])
  // 6 KiB each: what a page loads for signaling alone, and as much again for calls.
  for (const name of ["client", "mesh"]) {
    const script = await Bun.file(join(installed, `${name}.js`)).text()
    expect(Bun.gzipSync(Buffer.from(script), { level: 9 }).length).toBeLessThan(6 * 1024)
    expect(script).not.toMatch(/\bimport\b/)
    expect(script).toEndWith(`\n//# sourceMappingURL=${name}.js.map\n`)
    const map = await Bun.file(join(installed, `${name}.js.map`)).json()
    expect(map.sources.filter((source: string) => !/^[\w./-]+\.ts$/.test(source) || source.startsWith("/"))).toEqual([])
    expect(map.sourcesContent).toHaveLength(map.sources.length)
  }
})

test("it runs where there is no document", async () => {
  await writeFile(
    join(project, "use.js"),
    `import { SignalingClient } from "palava-machine-client"
     import { mesh } from "palava-machine-client/mesh"
     console.log(new SignalingClient("ws://127.0.0.1:1/").state.name, typeof mesh)`,
  )
  expect(await run([process.execPath, "use.js"], project)).toBe("closed function\n")
})

test("its types: messages with their real fields, and no others", async () => {
  const good = `
    import { SignalingClient, type ReceivedMessage } from "palava-machine-client"
    import { mesh, type MeshPeer } from "palava-machine-client/mesh"
    const client = new SignalingClient("wss://call.example.org/", { requestMs: 5_000 })
    const connection = new RTCPeerConnection()
    connection.onicecandidate = ({ candidate }) => {
      if (candidate !== null) client.send("b", { event: "ice_candidate", candidate })
      if (candidate !== null) client.send("b", { event: "ice_candidate", candidate: candidate.toJSON() })
    }
    await connection.setLocalDescription()
    if (connection.localDescription !== null) client.send("b", { event: "offer", sdp: connection.localDescription })
    client.send("b", { event: "answer", sdp: "v=0" })
    client.send("b", { event: "message", data: { any: "thing" }, more: 1 })
    client.send("b", { event: "ice_candidate", candidate: "candidate:1", sdpmid: "0", sdpmlineindex: 0 })
    client.on("relayed", async ({ message }) => {
      if (message.event === "offer") await connection.setRemoteDescription(message.sdp)
      if (message.event === "ice_candidate") await connection.addIceCandidate(message.candidate)
      if (message.event === "message") console.log(message.data)
    })
    client.on("resumed", ({ complete }: { complete: boolean }) => console.log(complete))
    const call = mesh(client, { stream: new MediaStream(), channels: { chat: {}, game: { ordered: false } } })
    call.on("peer_came", (peer: MeshPeer) => peer.send("hello") && peer.stream.getTracks())
    call.on("data", ({ peer, label, data }) => console.log(peer.id, label, typeof data === "string" ? data : data.byteLength))
    call.setTrack("video", undefined)
    export const read: ReceivedMessage = { event: "message" }
    const { protocol_version } = await client.info()
    console.log(protocol_version)`
  expect(await compile("good.ts", good)).toBe("")
  for (const wrong of [
    `client.send("b", { event: "offer" })`,
    `client.send("b", { event: "offer", sdp: 1 })`,
    `client.send("b", { event: "ice_candidate", sdpmid: "0" })`,
    `client.send("b", { event: "bye" })`,
    `client.on("relayed", ({ message }) => message.sdp)`,
    `client.on("gone", () => {})`,
  ]) {
    const source = `import { SignalingClient } from "palava-machine-client"\nconst client = new SignalingClient("")\n${wrong}`
    expect(await compile("wrong.ts", source)).toMatch(/wrong\.ts\(3,/)
  }
})

test("the React hook of the examples compiles against it", async () => {
  const source = await Bun.file(join(ROOT, "examples/use-room.tsx")).text()
  const hook = source
    .replace("../src/client/index.ts", "palava-machine-client")
    .replace("../src/client/mesh/index.ts", "palava-machine-client/mesh")
  expect(await compile("use-room.tsx", hook)).toBe("")
})

test("the server serves the same to any page, under any folder, and not again to who has it", async () => {
  await using node = await startNode()
  for (const name of FILES) {
    for (const folder of ["", "behind/a/proxy/"]) {
      const answer = await fetch(node.httpUrl + folder + name)
      expect(await answer.text()).toBe(await Bun.file(join(installed, name)).text())
      expect(Object.fromEntries(answer.headers)).toMatchObject({
        "access-control-allow-origin": "*",
        "cross-origin-resource-policy": "cross-origin",
        "x-content-type-options": "nosniff",
      })
      const etag = answer.headers.get("etag") ?? ""
      expect((await fetch(node.httpUrl + folder + name, { headers: { "if-none-match": etag } })).status).toBe(304)
    }
  }
  const script = await fetch(`${node.httpUrl}client.js`, { method: "HEAD" })
  expect(script.headers.get("content-type")).toBe("text/javascript; charset=utf-8")
  expect(script.headers.get("x-typescript-types")).toBe("./client.d.ts")
  expect((await fetch(`${node.httpUrl}client.js`, { method: "POST" })).status).toBe(405)
  expect((await fetch(`${node.httpUrl}client.js.txt`)).status).toBe(404)
})

test("without the page there are no scripts", async () => {
  await using node = await startNode(["--no-page"])
  for (const name of FILES) expect((await fetch(node.httpUrl + name)).status).toBe(404)
})
