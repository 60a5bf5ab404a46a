// Starts the compiled executable as a user would, on free ports, and stops it with the test.

import { existsSync } from "node:fs"
import { join } from "node:path"
import { HAS_WORKERS, withWorkers, workersOf } from "./workers.ts"

const EXECUTABLE = join(import.meta.dir, "../../dist/palava-machine")

/** 20 s: it starts in well under one, but a loaded machine with two cores may be busy with other tests; with workers three processes do. */
const START_MS = HAS_WORKERS ? 60_000 : 20_000

/** A running node of the compiled executable. */
export interface TestNode extends AsyncDisposable {
  readonly port: number
  /** 0 when the administration listener is off. */
  readonly adminPort: number
  /** ws://127.0.0.1:PORT/ (wss with a certificate) */
  readonly url: string
  /** http://127.0.0.1:PORT/ */
  readonly httpUrl: string
  /** The page's address as printed; empty when the page is off. */
  readonly pageUrl: string
  /** http://127.0.0.1:ADMINPORT/ */
  readonly adminUrl: string
  readonly pid: number
  /** Processes of its workers, if it has any. */
  readonly workers: () => readonly number[]
  readonly exited: Promise<number>
  /** What it has written to stderr so far. */
  readonly log: () => string
  /** Resolves once `pattern` is in what it wrote behind the first `from` characters. */
  logged(pattern: RegExp, from?: number): Promise<void>
  /** The lines of it that are above info. */
  readonly complaints: () => string
  /** What stops and kills a machine's processes goes to its workers, too. */
  kill(signal: NodeJS.Signals): void
  /** The sum of all samples of a metric whose labels contain `labels`. */
  metric(name: string, labels?: string): Promise<number>
  /** Ends it with SIGINT; the exit code. */
  stop(): Promise<number>
}

/**
 * Starts a node with `args` on free ports and waits for its ready lines.
 * @param openFiles most that it may have open; what this process may, if not given
 */
export async function startNode(
  args: readonly string[] = [],
  env: Record<string, string> = {},
  executable = EXECUTABLE,
  openFiles?: number,
): Promise<TestNode> {
  if (!existsSync(executable)) throw new Error(`${executable} is missing: run make build`)
  const given = args.some((arg) => arg.startsWith("--admin-listen")) ? [] : ["--admin-listen", "127.0.0.1:0"]
  const within = openFiles === undefined ? [] : ["sh", "-c", `ulimit -n ${openFiles} && exec "$@"`, "sh"]
  const all = await withWorkers(args)
  const child = Bun.spawn([...within, executable, "--port", "0", "--host", "127.0.0.1", ...given, ...all], {
    env: { PATH: process.env["PATH"] ?? "", ...env },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  })
  let log = ""
  const waiting = new Set<() => void>()
  const logEnd = collect(child.stderr, (text) => {
    log += text
    for (const look of waiting) look()
  })
  const timer = setTimeout(() => child.kill("SIGKILL"), START_MS)
  const ready = await readUntil(
    child.stdout,
    /socket\s+(wss?):\/\/\S+:(\d+)\/(?:[\s\S]*admin\s+http:\/\/\S+:(\d+)\/)?/,
    given.length > 0,
  )
  clearTimeout(timer)
  if (ready === undefined) {
    await logEnd
    throw new Error(`the executable did not start: ${log}`)
  }
  const [, scheme, port, adminPort = "0"] = ready
  const adminUrl = `http://127.0.0.1:${adminPort}/`
  const stop = async (): Promise<number> => {
    child.kill("SIGINT")
    return await child.exited
  }
  const node: TestNode = {
    port: Number(port),
    adminPort: Number(adminPort),
    url: `${scheme}://127.0.0.1:${port}/`,
    httpUrl: `${scheme === "wss" ? "https" : "http"}://127.0.0.1:${port}/`,
    adminUrl,
    pageUrl: /page\s+(\S+)/.exec(ready.input ?? "")?.[1] ?? "",
    pid: child.pid,
    workers: () => workersOf(child.pid),
    exited: child.exited,
    log: () => log,
    logged: (pattern, from = 0) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error(`${pattern} is not in the log: ${log.slice(from)}`)), START_MS)
        const look = (): void => {
          if (!pattern.test(log.slice(from))) return
          clearTimeout(timer)
          waiting.delete(look)
          resolve()
        }
        waiting.add(look)
        look()
      }),
    complaints: () => log.replace(/^\{"level":"(?:info|debug)".*\n/gm, ""),
    kill: (signal) => {
      const isForAll = signal === "SIGKILL" || signal === "SIGSTOP" || signal === "SIGCONT"
      for (const worker of isForAll ? workersOf(child.pid) : []) process.kill(worker, signal)
      child.kill(signal)
    },
    async metric(name, labels = "") {
      const text = await (await fetch(`${adminUrl}metrics`)).text()
      const lines = text.split("\n").filter((line) => line.startsWith(name) && /[ {]/.test(line[name.length] ?? ""))
      return lines
        .filter((line) => line.includes(labels))
        .reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0)
    },
    stop,
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null && child.signalCode === null) {
        const hung = setTimeout(() => child.kill("SIGKILL"), START_MS)
        node.kill("SIGCONT")
        await stop()
        clearTimeout(hung)
      }
    },
  }
  return node
}

/** Runs the executable to its end. */
export async function runExecutable(
  args: readonly string[],
  env: Record<string, string> = {},
  cwd = "/",
): Promise<{ code: number; stdout: string; stderr: string }> {
  const child = Bun.spawn([EXECUTABLE, ...args], { env, cwd, stdin: "ignore", stdout: "pipe", stderr: "pipe" })
  const [code, stdout, stderr] = await Promise.all([
    child.exited,
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ])
  return { code, stdout, stderr }
}

async function readUntil(
  stream: ReadableStream<Uint8Array>,
  pattern: RegExp,
  hasAdmin: boolean,
): Promise<RegExpMatchArray | undefined> {
  let text = ""
  const reader = stream
    .pipeThrough(new TextDecoderStream() as unknown as ReadableWritablePair<string, Uint8Array>)
    .getReader()
  for (;;) {
    const { value, done } = await reader.read()
    if (done) return undefined
    text += value
    const match = text.match(pattern)
    if (match !== null && (!hasAdmin || match[3] !== undefined)) return match
  }
}

async function collect(stream: ReadableStream<Uint8Array>, onText: (text: string) => void): Promise<void> {
  const decoder = new TextDecoder()
  for await (const chunk of stream) onText(decoder.decode(chunk, { stream: true }))
}
