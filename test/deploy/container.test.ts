// deploy/Containerfile, as far as it can be tried without an engine: its health check is run against a node, and the
// executable as its user, on a file system that cannot be written, without any privilege.

import { expect, test } from "bun:test"
import { readFileSync } from "node:fs"
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
