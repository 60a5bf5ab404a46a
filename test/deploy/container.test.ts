// deploy/Containerfile: an image is built of it and run by podman, where that can be; and without an engine its health check
// is run against a node, and the executable as its user, on a file system that cannot be written, without any privilege.

import { expect, test } from "bun:test"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { startNode } from "../helpers/node.ts"
import { freePort, poll } from "../helpers/redis.ts"

const ROOT = join(import.meta.dir, "../..")
const text = readFileSync(join(ROOT, "deploy/Containerfile"), "utf8")

/** What stands behind an instruction, continued lines joined. */
function instruction(name: string): string {
  return new RegExp(`^${name} (.*)$`, "m").exec(text)?.[1] ?? ""
}

test("the health check is content with a healthy node, and not with none", async () => {
  await using node = await startNode()
  const [, command = "[]"] = / CMD (\[.*\])$/.exec(instruction("HEALTHCHECK")) ?? []
  const check = (port: number): number => {
    const words = (JSON.parse(command) as string[]).map((word) => word.replace("/4234", `/${port}`))
    return Bun.spawnSync(words, { stdout: "ignore", stderr: "ignore" }).exitCode
  }
  expect(check(node.adminPort)).toBe(0)
  expect(check(await freePort())).not.toBe(0)
})

const isRoot = process.platform === "linux" && process.getuid?.() === 0
test.skipIf(!isRoot)("it runs as nobody, with nothing to write to and no privilege (needs root)", async () => {
  const [port, adminPort] = [await freePort(), await freePort()]
  const user = instruction("USER")
  expect(user).toMatch(/^[1-9]\d+:[1-9]\d+$/)
  const [uid = "", gid = ""] = user.split(":")
  const command = [
    `mount --bind / /mnt && mount --bind ${ROOT}/dist /mnt/mnt && mount -o remount,bind,ro /mnt && mount -o remount,bind,ro /mnt/mnt`,
    `mount -t proc proc /mnt/proc`,
    `exec chroot /mnt setpriv --reuid ${uid} --regid ${gid} --clear-groups --bounding-set=-all --no-new-privs /mnt/palava-machine --port ${port}`,
  ].join(" && ")
  const child = Bun.spawn(["unshare", "--mount", "sh", "-c", command], {
    env: { PATH: process.env["PATH"] ?? "", PALAVA_ADMIN_LISTEN: `0.0.0.0:${adminPort}` },
    cwd: "/",
    stdout: "pipe",
    stderr: "pipe",
  })
  try {
    const errors = new Response(child.stderr).text()
    await poll(async () => {
      if (child.exitCode !== null) throw new Error(await errors)
      return await fetch(`http://127.0.0.1:${adminPort}/readyz`).then(
        ({ status }) => status === 200,
        () => false,
      )
    })
    expect((await fetch(`http://127.0.0.1:${port}/`)).status).toBe(200)
    const status = readFileSync(`/proc/${child.pid}/status`, "utf8")
    expect(status).toMatch(new RegExp(`^Uid:\\s+${uid}\\s`, "m"))
    expect(status).toMatch(/^CapEff:\s+0+$/m)
    expect(status).toMatch(/^CapBnd:\s+0+$/m)
  } finally {
    child.kill("SIGTERM")
    expect(await child.exited).toBe(0)
  }
})

/** In place of Debian's image, which only a registry has: what the health check calls, with the libraries of all. */
const BASE_PROGRAMS = ["/bin/bash", "/usr/bin/head", "/usr/bin/grep", "/usr/bin/env"]

/** Runs podman with a store of its own; what it prints. */
function podman(store: string, ...args: string[]): string {
  const places = ["--root", join(store, "root"), "--runroot", join(store, "run"), "--storage-driver", "vfs"]
  const command = ["podman", ...places, "--runtime", "runc", "--cgroup-manager", "cgroupfs", ...args]
  const { exitCode, stdout, stderr } = Bun.spawnSync(command, { cwd: ROOT })
  if (exitCode !== 0) throw new Error(`podman ${args[0]}: ${stderr}`)
  return stdout.toString().trim()
}

/** Lower than any machine's, as only a privileged process may raise them. */
const ULIMITS = ["--ulimit", "nofile=4096:4096", "--ulimit", "nproc=2048:2048"]

/** A store with the base in it; undefined where containers cannot be started. */
function makeStore(): string | undefined {
  if (!isRoot || Bun.which("podman") === null || Bun.which("runc") === null) return undefined
  const store = mkdtempSync(join(tmpdir(), "palava-image-"))
  const programs = [...BASE_PROGRAMS, join(ROOT, "dist/palava-machine")]
  const libraries = Bun.spawnSync(["ldd", ...programs])
    .stdout.toString()
    .matchAll(/(\/\S+\.so\S*)/g)
  const files = new Set([...BASE_PROGRAMS, ...[...libraries].map(([path]) => path)])
  const base = join(store, "base.tar")
  Bun.spawnSync(["tar", "--create", "--dereference", "--absolute-names", "--file", base, "/etc/passwd", ...files])
  try {
    podman(store, "import", base, "docker.io/library/debian:12-slim")
    podman(store, "run", "--rm", ...ULIMITS, "--network", "none", "debian:12-slim", "/usr/bin/env")
    return store
  } catch {
    rmSync(store, { recursive: true })
    return undefined
  }
}

const store = makeStore()
test.skipIf(store === undefined)(
  "an image is built of it and runs: nobody's, read-only, healthy, and ends with 0 (needs root and podman)",
  async () => {
    const run = (...args: string[]): string => podman(store ?? "", ...args)
    const isolation = ["--isolation", "chroot", "--pull=never"]
    run("build", ...isolation, "--format", "docker", "--file", "deploy/Containerfile", "--tag", "palava-machine", ".")
    const shut = ["--read-only", "--cap-drop=all", "--security-opt=no-new-privileges"]
    try {
      run("run", "--detach", "--name", "node", ...ULIMITS, "--network", "none", ...shut, "palava-machine")
      await poll(async () => isDone(() => run("healthcheck", "run", "node")))
      const inside = (script: string): string => run("exec", "node", "bash", "-c", script)
      const status = inside("grep -E '^(Uid|CapEff|NoNewPrivs)' /proc/1/status")
      expect(status.replace(/\s+/g, " ")).toBe("Uid: 65534 65534 65534 65534 CapEff: 0000000000000000 NoNewPrivs: 1")
      expect(isDone(() => inside("echo x > /written"))).toBe(false)
      run("stop", "--time", "20", "node")
      expect(run("inspect", "node", "--format", "{{.State.ExitCode}}")).toBe("0")
      expect(run("logs", "node")).toContain("is ready")
    } finally {
      run("rm", "--force", "node")
      rmSync(store ?? "", { recursive: true })
    }
  },
  180_000,
)

function isDone(work: () => void): boolean {
  try {
    work()
    return true
  } catch {
    return false
  }
}
