// What `make release` makes, of one target, and deploy/install.sh with it: over HTTP, from a folder, and what it refuses.

import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { createHash } from "node:crypto"
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { version } from "../../package.json" with { type: "json" }
import { components } from "../../scripts/release/sbom.ts"

const ROOT = join(import.meta.dir, "../..")
const RELEASE = join(ROOT, "dist/release")

/** What is made of the executable, and not for it. */
const OUTPUTS = ["dist/release", "dist/stage", "dist/deb", "dist/build", "dist/elsewhere"]

/** The one made here: this machine's. */
const TARGET = process.arch === "arm64" ? "linux-arm64" : "linux-x64"
const NAME = `palava-machine-${version}-${TARGET}`

async function run(command: readonly string[], env: Record<string, string> = {}, cwd = ROOT) {
  const child = Bun.spawn([...command], { cwd, env: { ...process.env, ...env }, stdout: "pipe", stderr: "pipe" })
  const [code, stdout, stderr] = await Promise.all([
    child.exited,
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ])
  return { code, stdout, stderr }
}

const sha256 = (path: string): string => createHash("sha256").update(readFileSync(path)).digest("hex")

let folder: string
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "palava-release-"))
  const made = await run([process.execPath, "scripts/release/release.ts"], { TARGETS: TARGET, FAST: "1" })
  if (made.code !== 0) throw new Error(made.stderr)
}, 60_000)
afterAll(() => {
  rmSync(folder, { recursive: true })
  rmSync(RELEASE, { recursive: true })
})

describe("a release", () => {
  test("is archive, sums, bill of materials, the changelog's entry and the installer", () => {
    expect(readdirSync(RELEASE).sort()).toEqual([
      "CHANGELOG.md",
      "SHA256SUMS",
      "install.sh",
      `${NAME}.tar.gz`,
      `palava-machine-${version}.cdx.json`,
    ])
    for (const line of readFileSync(join(RELEASE, "SHA256SUMS"), "utf8").trimEnd().split("\n")) {
      const [sum = "", file = ""] = line.split("  ")
      expect(sha256(join(RELEASE, file))).toBe(sum)
    }
    expect(readFileSync(join(RELEASE, "CHANGELOG.md"), "utf8")).toStartWith("## ")
  })

  test("the archive has all that belongs to the executable", async () => {
    const { stdout } = await run(["tar", "-tzf", join(RELEASE, `${NAME}.tar.gz`)])
    expect(
      stdout
        .trimEnd()
        .split("\n")
        .filter((path) => !path.endsWith("/"))
        .map((path) => path.slice(NAME.length + 1)),
    ).toEqual([
      "CHANGELOG.md",
      "LICENSE",
      "README.md",
      "_palava-machine",
      "palava-machine",
      "palava-machine.1",
      "palava-machine.bash",
      "palava-machine.toml",
      "systemd/palava-machine.service",
      "systemd/tls.conf",
    ])
  })

  test("the bill of materials names each package that is compiled in, and none that is not", () => {
    const document = JSON.parse(readFileSync(join(RELEASE, `palava-machine-${version}.cdx.json`), "utf8"))
    expect(document).toMatchObject({ bomFormat: "CycloneDX", specVersion: "1.5", version: 1 })
    expect(document.serialNumber).toMatch(/^urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
    const names = document.components.map(({ name }: { name: string }) => name)
    const { dependencies } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"))
    expect(names).toEqual(expect.arrayContaining([...Object.keys(dependencies), "bun", "uplot", "figtree"]))
    for (const name of ["typescript", "@biomejs/biome", "playwright-core"]) expect(names).not.toContain(name)
    for (const { name, sha512, license } of components()) {
      expect([name, license]).not.toEqual([name, "unknown"])
      if (name !== "figtree") expect(sha512).toMatch(/^[0-9a-f]{128}$/)
    }
  })

  test("the bill of materials names each package that Bun bundled", async () => {
    const map = join(folder, "main.js.map")
    const bundle = ["build", "--target=bun", "--sourcemap=external", "--outdir", folder, "src/main.ts"]
    expect(await run([process.execPath, ...bundle])).toMatchObject({ code: 0 })
    const { sources } = JSON.parse(readFileSync(map, "utf8")) as { sources: string[] }
    const bundled = sources.flatMap((path) => /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1] ?? [])
    const named = components().map(({ name }) => name)
    expect(bundled.length).toBeGreaterThan(100)
    for (const name of new Set(bundled)) expect(named).toContain(name)
  })

  test("the executable is the same, byte by byte, when built in another folder", async () => {
    const elsewhere = join(ROOT, "dist/elsewhere")
    rmSync(elsewhere, { recursive: true, force: true })
    mkdirSync(join(elsewhere, "dist"), { recursive: true })
    // Links to the same files, but another folder: Bun follows a linked folder back to its place.
    expect(await run(["cp", "-al", join(ROOT, "node_modules"), elsewhere])).toMatchObject({ code: 0 })
    // With what `make` has made for it: pages and scripts.
    const made = readdirSync(join(ROOT, "dist"), { withFileTypes: true }).filter((entry) => entry.isDirectory())
    const inputs = made.map(({ name }) => `dist/${name}`).filter((path) => !OUTPUTS.includes(path))
    for (const path of ["src", "scripts", "package.json", "tsconfig.json", "bunfig.toml", ...inputs]) {
      cpSync(join(ROOT, path), join(elsewhere, path), { recursive: true })
    }
    const build = "dist/build/palava-machine"
    for (const place of [ROOT, elsewhere]) {
      expect(await run(["scripts/compile.sh", build, TARGET], {}, place)).toMatchObject({ code: 0 })
    }
    const [here, there] = [join(ROOT, build), join(elsewhere, build)]
    expect(sha256(there)).toBe(sha256(here))
    expect(readFileSync(there).includes(ROOT)).toBe(false)
    rmSync(elsewhere, { recursive: true })
    rmSync(join(ROOT, "dist/build"), { recursive: true })
  })
})

describe("install.sh", () => {
  const install = (from: string, env: Record<string, string> = {}) =>
    run(["sh", join(ROOT, "deploy/install.sh"), from], { TARGET, ...env })

  test("from a URL, with everything in its place", async () => {
    using server = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch: (request) => new Response(Bun.file(join(RELEASE, new URL(request.url).pathname))),
    })
    const root = join(folder, "url")
    const { code, stdout, stderr } = await install(`http://127.0.0.1:${server.port}/`, { DESTDIR: root })
    expect([code, stdout]).toEqual([
      0,
      expect.stringContaining(`installed ${version} as /usr/local/bin/palava-machine`),
    ])
    expect(stderr).toContain("warning: over http")
    const files = [...new Bun.Glob("**/*").scanSync({ cwd: root, dot: true })].sort()
    expect(files).toEqual([
      "etc/palava-machine/palava-machine.toml",
      "etc/systemd/system/palava-machine.service",
      "usr/local/bin/palava-machine",
      "usr/local/share/bash-completion/completions/palava-machine",
      "usr/local/share/doc/palava-machine/tls.conf",
      "usr/local/share/man/man1/palava-machine.1",
      "usr/local/share/zsh/site-functions/_palava-machine",
    ])
    expect(statSync(join(root, "etc/palava-machine/palava-machine.toml")).mode & 0o777).toBe(0o640)
    const unit = readFileSync(join(root, "etc/systemd/system/palava-machine.service"), "utf8")
    expect(unit).toContain("ExecStart=/usr/local/bin/palava-machine --config ")
    expect((await run([join(root, "usr/local/bin/palava-machine"), "--version"])).stdout).toBe(`${version}\n`)
  })

  test("again, from a folder: the configuration stays as it is", async () => {
    const root = join(folder, "again")
    mkdirSync(join(root, "etc/palava-machine"), { recursive: true })
    writeFileSync(join(root, "etc/palava-machine/palava-machine.toml"), "room_size = 7\n")
    expect(await install(RELEASE, { DESTDIR: root })).toMatchObject({ code: 0 })
    expect(readFileSync(join(root, "etc/palava-machine/palava-machine.toml"), "utf8")).toBe("room_size = 7\n")
  })

  test("what is not what SHA256SUMS says is not installed", async () => {
    const bad = join(folder, "bad")
    cpSync(RELEASE, bad, { recursive: true })
    writeFileSync(join(bad, `${NAME}.tar.gz`), "something else")
    const root = join(folder, "refused")
    const { code, stderr } = await install(bad, { DESTDIR: root })
    expect([code, stderr]).toEqual([1, expect.stringContaining("is not what SHA256SUMS says: nothing was installed")])
    expect(existsSync(root)).toBe(false)
  })

  test("what is no release, or has nothing for this machine, is told of", async () => {
    const root = join(folder, "nothing")
    using server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response("", { status: 404 }) })
    for (const [from, env, line] of [
      [folder, {}, /SHA256SUMS is missing/],
      [`http://127.0.0.1:${server.port}`, {}, /SHA256SUMS cannot be fetched/],
      [RELEASE, { TARGET: "linux-riscv" }, /names no archive for linux-riscv/],
      ["", {}, /usage: /],
      ["--bogus", {}, /unknown option --bogus/],
    ] as const) {
      const { code, stderr } = await install(from, { DESTDIR: root, ...env })
      expect([code, stderr]).toEqual([1, expect.stringMatching(line)])
    }
    expect(existsSync(root)).toBe(false)
  })
})
