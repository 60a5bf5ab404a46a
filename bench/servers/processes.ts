// Starting and stopping the processes that are measured: on the first core, with every file descriptor we may have.

import { existsSync, readdirSync, readFileSync } from "node:fs"
import { availableParallelism } from "node:os"

/** 30 s: a server under test starts in well under one; more means that it will not. */
const START_MILLISECONDS = 30_000

const hasTaskset = Bun.which("taskset") !== null && availableParallelism() > 1

/** The command that runs `argv` on one core (where the system can) with the highest limit of open files it grants. */
export function onCore(core: number, argv: readonly string[]): string[] {
  const pinned = hasTaskset ? ["taskset", "-c", String(core), ...argv] : argv
  return ["sh", "-c", 'ulimit -n "$(ulimit -Hn)" 2>/dev/null; exec "$@"', "sh", ...pinned]
}

/** Servers run on core 0, the generator on core 1. */
export const SERVER_CORE = 0
export const GENERATOR_CORE = 1

/** A process that has said it is ready. */
export interface Started {
  pid: number
  /** What `ready` matched. */
  match: RegExpExecArray
  /** Ends it, if nothing else is said at once; resolves when it has. */
  stop(signal?: NodeJS.Signals): Promise<void>
}

/** Starts `argv` and waits until its output matches `ready`. */
export async function start(
  argv: readonly string[],
  ready: RegExp,
  env: Record<string, string> = {},
  cwd = process.cwd(),
): Promise<Started> {
  const child = Bun.spawn(onCore(SERVER_CORE, argv), {
    cwd,
    env: { ...process.env, ...env },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "inherit",
  })
  const stop = async (signal: NodeJS.Signals = "SIGKILL"): Promise<void> => {
    child.kill(signal)
    await child.exited
  }
  const timer = setTimeout(() => child.kill("SIGKILL"), START_MILLISECONDS)
  let output = ""
  const decoder = new TextDecoder()
  const reader = child.stdout.getReader()
  for (;;) {
    const { done, value } = await reader.read()
    if (done) break
    output += decoder.decode(value, { stream: true })
    const match = ready.exec(output)
    if (!match) continue
    clearTimeout(timer)
    // Read on, or a full pipe would stop the server.
    void drain(reader)
    return { pid: child.pid, match, stop }
  }
  throw new Error(`${argv.join(" ")} ended without getting ready: ${output}`)
}

/** The processes that one has started, and those that they have. */
export function childrenOf(pid: number): number[] {
  const children = readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
    readFileSync(`/proc/${pid}/task/${thread}/children`, "latin1").split(" ").filter(Boolean).map(Number),
  )
  return children.flatMap((child) => [child, ...childrenOf(child)])
}

async function drain(reader: { read(): Promise<{ done: boolean }> }): Promise<void> {
  while (!(await reader.read()).done);
}

/** Runs a command to its end; throws with its output when it fails. */
export async function run(argv: readonly string[], cwd = process.cwd()): Promise<string> {
  const child = Bun.spawn([...argv], { cwd, stdout: "pipe", stderr: "pipe" })
  const [out, err] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()])
  if ((await child.exited) !== 0) throw new Error(`${argv.join(" ")} failed:\n${out}${err}`)
  return out
}

/** A port that nobody listens on, for servers that cannot take port 0. */
export function freePort(): number {
  const probe = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } })
  const { port } = probe
  probe.stop(true)
  return port
}

/** The most files one process may have open here. */
export async function openFileLimit(): Promise<number> {
  const limit = await run(onCore(GENERATOR_CORE, ["sh", "-c", "ulimit -n"]))
  return limit.trim() === "unlimited" ? 1_048_576 : Number(limit)
}

/** Fails with what to do when something that must be there is not. */
export function need(path: string, how: string): void {
  if (!existsSync(path)) throw new Error(`${path} is missing: ${how}`)
}
