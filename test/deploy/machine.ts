// A machine with systemd for a test, made of namespaces: see machine.sh. Takes root and a Linux that lets it.

import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { poll } from "../helpers/redis.ts"

/** What a command there said, and its exit code. */
export interface Said {
  readonly code: number
  readonly output: string
}

/** The machine; it ends with its `await using`, and with it all that was written in it. */
export interface Machine extends AsyncDisposable {
  /** Runs a shell command there; standard output and standard error in one. */
  run(command: string, input?: Uint8Array): Promise<Said>
  /** Runs one that must succeed: what it said. */
  must(command: string, input?: Uint8Array): Promise<string>
}

/** Whether this user may make one here, and what is needed for it is installed. */
export function canStartMachine(): boolean {
  if (process.platform !== "linux" || process.getuid?.() !== 0 || Bun.which("systemctl") === null) return false
  const probe = Bun.spawnSync(["unshare", "--pid", "--fork", "--mount", "--net", "--uts", "--ipc", "--cgroup", "true"])
  return probe.exitCode === 0
}

/** Starts one and waits until its systemd says it is up. */
export async function startMachine(): Promise<Machine> {
  const base = mkdtempSync(join(tmpdir(), "palava-vm-"))
  const child = Bun.spawn(
    [
      ...["unshare", "--pid", "--fork", "--kill-child", "--mount", "--net", "--uts", "--ipc", "--cgroup"],
      ...[join(import.meta.dir, "machine.sh"), base],
    ],
    { stdin: "ignore", stdout: "pipe", stderr: "pipe" },
  )
  const log = Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()])
  const childOf = (pid: number): number =>
    Number(readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ")[0])
  const run = async (command: string, input?: Uint8Array): Promise<Said> => {
    const init = childOf(child.pid)
    const there = Bun.spawn(["nsenter", "--target", `${init}`, "--all", "/bin/sh", "-c", `exec 2>&1; ${command}`], {
      env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", DEBIAN_FRONTEND: "noninteractive", LC_ALL: "C.UTF-8" },
      cwd: "/",
      stdin: input ?? "ignore",
      stdout: "pipe",
    })
    const [code, output] = await Promise.all([there.exited, new Response(there.stdout).text()])
    return { code, output }
  }
  await poll(async () => {
    if (child.exitCode !== null) throw new Error(`no machine: ${(await log).join("")}`)
    return childOf(child.pid) > 0 && /running|degraded/.test((await run("systemctl is-system-running")).output)
  }, 60_000)
  return {
    run,
    async must(command, input) {
      const { code, output } = await run(command, input)
      if (code !== 0)
        throw new Error(`${command}: ${code}: ${output}\n${(await run("journalctl --no-pager -n 30")).output}`)
      return output
    },
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL")
      await child.exited
      rmSync(base, { recursive: true, force: true })
    },
  }
}
