// What is made from the list of options for operators: configuration file, manual page, completions, and README's table; and
// from the results of the bench.

import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { bashCompletion, zshCompletion } from "../../scripts/documents/completions.ts"
import { manPage } from "../../scripts/documents/man.ts"
import { configFile } from "../../scripts/documents/toml.ts"
import { PARTS, partOf } from "../../scripts/update-readme.ts"
import { COMMAND_NAMES } from "../../src/config/command-line.ts"
import { loadInvocation } from "../../src/config/load.ts"
import { fileKeyOf, flagOf, OPTION_NAMES, optionOf, variableOf } from "../../src/config/options.ts"
import { makeCertificate } from "../helpers/certificate.ts"

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "palava-documents-"))
})
afterAll(() => rmSync(folder, { recursive: true }))

/** Writes a file of this run. */
function file(name: string, text: string): string {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

/** A file of what the option wants, and what goes with it. */
function fileLines(name: (typeof OPTION_NAMES)[number]): string {
  const { cert, key } = makeCertificate()
  const [certFile, keyFile] = [file("cert.pem", cert), file("key.pem", key)]
  const secret = file("secret", "0123456789abcdef0123456789abcdef")
  if (name.startsWith("tls")) return `tls_cert = ["${certFile}"]\ntls_key = "${keyFile}"`
  if (name === "redisCert" || name === "redisKey") return `redis_cert = "${certFile}"\nredis_key = "${keyFile}"`
  if (name === "redisPasswordFile") return `redis_password_file = "${secret}"\nredis = "localhost"`
  return `${fileKeyOf(name)} = "${name === "redisCa" ? certFile : secret}"`
}

test.each(PARTS)("$file has the $name of today (else run scripts/update-readme.ts)", ({ file, name, text }) => {
  const whole = readFileSync(join(import.meta.dir, "../..", file), "utf8")
  expect(partOf(name).exec(whole)?.[1]).toBe(text())
})

describe("the configuration file", () => {
  test("as it is installed changes nothing", () => {
    const { sources } = loadInvocation(["--config", file("plain.toml", configFile())], {})
    for (const name of OPTION_NAMES) expect(sources[name]).toBe("default")
  })

  for (const name of OPTION_NAMES) {
    test(`${fileKeyOf(name)} is there; without its # it is a good value`, () => {
      const line = new RegExp(`^#(${fileKeyOf(name)} = .*)$`, "m").exec(configFile())?.[1] ?? ""
      const wanted = optionOf(name).value
      const also = name === "iceServer" ? "\nturn_secret = 'x'" : ""
      // Files must be there, and those of certificates need each other.
      const isFile = wanted.endsWith("FILE") && name !== "plugin"
      const { config } = loadInvocation(["--config", file("one.toml", isFile ? fileLines(name) : line + also)], {})
      const { default: fallback } = optionOf(name)
      const isEmpty = fallback === "" || (Array.isArray(fallback) && fallback.length === 0)
      if (isEmpty) expect(config[name]).not.toEqual(fallback as never)
      else expect(config[name]).toEqual(fallback as never)
    })
  }
})

describe("the manual page", () => {
  test("has every option and command, and groff has nothing to warn of", async () => {
    const path = file("palava-machine.1", manPage("2.0.0", "2026-11-24"))
    const child = Bun.spawn(["man", "--warnings", "-l", path], {
      env: { PATH: process.env["PATH"] ?? "", MANWIDTH: "200", MAN_KEEP_FORMATTING: "", LC_ALL: "C.UTF-8" },
      stdout: "pipe",
      stderr: "pipe",
    })
    const [text, warnings] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()])
    expect(warnings).toBe("")
    for (const name of OPTION_NAMES) {
      expect(text).toContain(flagOf(name))
      expect(text).toContain(variableOf(name))
    }
    for (const command of COMMAND_NAMES) expect(text).toContain(`       ${command}`)
  })
})

describe("completions", () => {
  /** What bash offers behind these words. */
  function offered(...words: string[]): string[] {
    const script = `source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _palava_machine; printf '%s\\n' "\${COMPREPLY[@]}"`
    const path = file("palava-machine.bash", bashCompletion())
    const { stdout, stderr } = Bun.spawnSync(["bash", "-c", script, "bash", path, "palava-machine", ...words])
    expect(stderr.toString()).toBe("")
    return stdout.toString().trim().split("\n")
  }

  test("bash: commands, flags, and the words of a flag that has few", () => {
    expect(offered("")).toEqual(COMMAND_NAMES)
    expect(offered("check")).toEqual(["check-config"])
    expect(offered("--po")).toEqual(["--port"])
    expect(offered("--redis-c")).toEqual(["--redis-cluster", "--redis-ca", "--redis-cert"])
    expect(offered("--log-level", "")).toEqual(["debug", "info", "warn", "error", "silent"])
    expect(offered("stats", "--by", "d")).toEqual(["day"])
    expect(offered("--port", "")).toEqual([""])
    const flags = offered("--")
    for (const name of OPTION_NAMES) expect(flags).toContain(flagOf(name))
  })

  test("bash: files where a file is wanted", () => {
    expect(offered("--tls-cert", `${folder}/palava-machine.b`)).toEqual([`${folder}/palava-machine.bash`])
  })

  test.skipIf(Bun.which("zsh") === null)("zsh: flags and commands, by its own completion (needs zsh)", async () => {
    writeFileSync(join(folder, "_palava-machine"), zshCompletion())
    // A shell that believes it has a terminal; READY is broken in two, so that its echo is not taken for it.
    const script = `zmodload zsh/zpty
zpty shell 'TERM=dumb zsh -f -i'
zpty -w shell "PS1=; fpath=(${folder} \\$fpath); autoload -Uz compinit; compinit -u -D; LISTMAX=1000; print RE''ADY"
zpty -r -m shell line '*READY*'
zpty -w -n shell $'palava-machine --log-level=\t\t'
zpty -r -m shell line '*silent*' && print -r -- "$line"
zpty -w -n shell $'\x15palava-machine \t\t'
zpty -r -m shell line '*${[...COMMAND_NAMES].sort().at(-1)}*' && print -r -- "$line"
zpty -d shell`
    const child = Bun.spawn(["zsh", "-f", "-c", script], { stdout: "pipe", stderr: "pipe", timeout: 20_000 })
    const text = await new Response(child.stdout).text()
    for (const word of ["debug", "silent", ...COMMAND_NAMES]) expect(text).toContain(word)
  })

  test("zsh: every flag is there", () => {
    const text = zshCompletion()
    expect(text).toStartWith("#compdef palava-machine\n")
    for (const name of OPTION_NAMES) expect(text).toMatch(new RegExp(`^ {2}'\\*?${flagOf(name)}[=[]`, "m"))
    expect(readFileSync(file("_check", text), "utf8")).not.toContain("undefined")
  })
})
