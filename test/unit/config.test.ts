// Every option from every source, without starting anything. (test/executable/command-line.test.ts runs the program.)

import { afterAll, describe, expect, test } from "bun:test"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { ConfigError, loadInvocation } from "../../src/config/load.ts"
import { fileKeyOf, flagOf, OPTION_NAMES, optionOf, variableOf } from "../../src/config/options.ts"
import { configText, groupsOfOptions, helpText, optionTable } from "../../src/config/print.ts"
import { makeCertificate } from "../helpers/certificate.ts"

const folder = mkdtempSync(join(tmpdir(), "palava-config-"))
const [certFile, keyFile, secretFile] = ["cert.pem", "key.pem", "secret"].map((name) => join(folder, name)) as [
  string,
  string,
  string,
]
const { cert, key } = makeCertificate()
writeFileSync(certFile, cert)
writeFileSync(keyFile, key)
writeFileSync(secretFile, "0123456789abcdef\n", { mode: 0o600 })
afterAll(() => rmSync(folder, { recursive: true }))

/** A good value other than the default, as text and as the program uses it, for options whose default says too little. */
const GOOD: Readonly<Record<string, readonly [text: string, value: unknown]>> = {
  port: ["0", 0],
  host: ["::1", "::1"],
  adminListen: ["[::1]:9000", "[::1]:9000"],
  adminHost: ["ops.example.org", ["ops.example.org"]],
  adminTokenFile: [secretFile, secretFile],
  tlsCert: [certFile, [certFile]],
  tlsKey: [keyFile, [keyFile]],
  turnSecretFile: [secretFile, secretFile],
  redisPasswordFile: [secretFile, secretFile],
  redisCa: [certFile, certFile],
  redisCert: [certFile, certFile],
  redisKey: [keyFile, keyFile],
  statsExportUrlFile: [secretFile, secretFile],
  page: ["false", false],
  peerjsKey: ["my.key-2", "my.key-2"],
  peerjsDiscovery: ["true", true],
  yWebrtcPublishAny: ["false", false],
  traceRooms: ["false", false],
  dialect: ["palava", ["palava"]],
  origin: ["https://call.example.org", ["https://call.example.org"]],
  authSecret: ["0123456789abcdef0123456789abcdef", "0123456789abcdef0123456789abcdef"],
  authSecretFile: [import.meta.path, import.meta.path],
  authJwks: ["https://id.example.org/keys", "https://id.example.org/keys"],
  authAudience: ["calls", "calls"],
  roomLocks: ["members", "members"],
  trustProxy: ["10.0.0.0/8", ["10.0.0.0/8"]],
  iceServer: ["stun:stun.example.org", ["stun:stun.example.org"]],
  turnSecret: ["north wind", "north wind"],
  turnTtlSeconds: ["60", 60],
  roomSize: ["10000", 10_000],
  maxConnections: ["1", 1],
  maxFrameBytes: ["1024", 1024],
  maxBacklogBytes: ["65536", 65_536],
  ratePerSecond: ["0", 0],
  rateBurst: ["1", 1],
  pingSeconds: ["5", 5],
  deadSeconds: ["7200", 7200],
  shutdownSeconds: ["0", 0],
  stateFile: ["/a/state", "/a/state"],
  redis: ["localhost:6379", "redis://localhost:6379"],
  redisCluster: ["rediss://a:1", ["rediss://a:1"]],
  redisPrefix: ["my.palava-2", "my.palava-2"],
  redisWaitSeconds: ["1", 1],
  leaseSeconds: ["600", 600],
  plugin: ["/a/plugin.ts", ["/a/plugin.ts"]],
  logLevel: ["silent", "silent"],
  logFormat: ["text", "text"],
  statsExport: ["/a/export.ndjson", "/a/export.ndjson"],
}

/** What has to be given with an option. */
const COMPANIONS: Readonly<Record<string, readonly string[]>> = {
  tlsCert: ["--tls-key", keyFile],
  tlsKey: ["--tls-cert", certFile],
  redisCert: ["--redis-key", keyFile],
  redisKey: ["--redis-cert", certFile],
  redisPasswordFile: ["--redis", "localhost"],
}

/** What `options` makes of the arguments, or its mistakes. */
function load(args: readonly string[], env: Record<string, string> = {}): unknown {
  try {
    return loadInvocation(args, env).config
  } catch (cause) {
    if (cause instanceof ConfigError) return cause.mistakes
    throw cause
  }
}

describe("every option", () => {
  for (const name of OPTION_NAMES) {
    const [text, value] = GOOD[name] ?? [String(optionOf(name).default), optionOf(name).default]
    const also = COMPANIONS[name] ?? []

    test(`${flagOf(name)} by flag and by ${variableOf(name)}`, () => {
      const before = optionOf(name).default
      const switches = { true: [flagOf(name).replace("--", "--no-")], false: [flagOf(name)] }
      const flag = typeof before === "boolean" ? switches[`${before}`] : [`${flagOf(name)}=${text}`]
      const byFlag = loadInvocation([...flag, ...also], {})
      expect([byFlag.config[name] as unknown, byFlag.sources[name]]).toEqual([value, flagOf(name)])
      const byVariable = loadInvocation(also, { [variableOf(name)]: text })
      if (name !== "turnSecret") {
        expect([byVariable.config[name] as unknown, byVariable.sources[name]]).toEqual([value, variableOf(name)])
      }
    })

    test(`${flagOf(name)} is told of by help, table and check-config`, () => {
      const { help, shown: mask } = optionOf(name)
      expect(help).toMatch(/[^.]$/)
      expect(helpText("1", 80)).toContain(`\n  ${flagOf(name)}`)
      expect(optionTable()).toContain(`| \`${flagOf(name)}`)
      const shown = configText(loadInvocation(also, { [variableOf(name)]: text }))
      const [line = ""] = shown.split("\n").filter((each) => each.startsWith(`${fileKeyOf(name)} = `))
      if (mask === undefined) expect(line).toContain(JSON.stringify(value))
      else for (const each of [value].flat()) expect(line).toContain(JSON.stringify(mask(String(each))))
    })
  }
})

describe("limits of values", () => {
  for (const [name, good, bad] of [
    ["port", ["0", "65535"], ["-1", "65536", "", "1.0", "0x10", " 1", "1e3"]],
    ["roomSize", ["1", "10000"], ["0", "10001"]],
    ["maxFrameBytes", ["1024", "16777216"], ["1023", "16777217"]],
    ["maxBacklogBytes", ["65536", "268435456"], ["65535", "268435457"]],
    ["rateBurst", ["1"], ["0"]],
    ["pingSeconds", ["5", "45"], ["4", "3601"]],
    ["turnTtlSeconds", ["60", "2592000"], ["59", "2592001"]],
    ["adminListen", ["off", "localhost:0", "[::1]:1", "10.0.0.1:65535"], ["on", "1234", ":1", "::1:1", "a:65536"]],
    ["origin", ["https://a", "http://a:8080", "*"], ["a", "https://a/", "https://", "ftp://a", "https://a b"]],
    [
      "iceServer",
      ["stun:a", "stuns:a:1", "stun:[::1]:3478", "stun:a?transport=udp"],
      ["a", "stun:", "stun://a", "http://a", "stun:a?x=1", "turn:a/b"],
    ],
    ["redis", ["a:1", "redis://a", "rediss://u:p@a:1/0"], ["http://a", "redis://", "://"]],
    ["redisPrefix", ["a", "A.b-c_9"], ["", "a b", "{a}", "a:b", "x".repeat(41)]],
    ["logLevel", ["debug", "info", "warn", "error", "silent"], ["DEBUG", "trace", ""]],
    ["logFormat", ["auto", "json", "text"], ["JSON", "pretty", ""]],
    ["host", ["::", "example.org"], ["", " ", "a b"]],
  ] as const) {
    test(flagOf(name), () => {
      for (const text of good) expect(load([`${flagOf(name)}=${text}`])).not.toBeArray()
      for (const text of bad) {
        expect(load([`${flagOf(name)}=${text}`])).toEqual([expect.stringMatching(new RegExp(`^${flagOf(name)}: `))])
      }
    })
  }
})

describe("what may hold a secret is shown without it", () => {
  for (const [args, line] of [
    [["--turn-secret", "hidden"], 'turn_secret = "***"'],
    [["--redis", "redis://ada:hidden@10.0.0.5:6379/2"], 'redis = "redis://ada:***@10.0.0.5:6379/2"'],
    [["--redis", "rediss://:hidden@redis.example.org"], 'redis = "rediss://:***@redis.example.org"'],
    [["--redis", "redis://ada:hid%2Fden@[::1]:1?x=hidden"], 'redis = "redis://ada:***@[::1]:1/?***"'],
    [["--redis", "10.0.0.5:6379"], 'redis = "redis://10.0.0.5:6379"'],
    [["--redis-cluster", "a:1", "--redis-cluster", "redis://:hidden@b:2"], '["redis://a:1","redis://:***@b:2"]'],
    [["--stats-export", "https://ada:hidden@hooks.example.org/"], 'stats_export = "https://hooks.example.org/***"'],
    [["--stats-export", "https://hooks.example.org/hidden"], 'stats_export = "https://hooks.example.org/***"'],
    [["--stats-export", "http://hooks.example.org/?token=hidden"], 'stats_export = "http://hooks.example.org/***"'],
    [["--stats-export", "http://127.0.0.1:9"], 'stats_export = "http://127.0.0.1:9/"'],
    [["--stats-export", "/var/lib/hours.jsonl"], 'stats_export = "/var/lib/hours.jsonl"'],
  ] as const) {
    test(args.join(" ").replaceAll("hidden", "..."), () => {
      const shown = configText(loadInvocation(args, {}))
      expect(shown).toContain(line)
      expect(shown).not.toContain("hid")
    })
  }
})

describe("a name that is none is told the one it may have meant", () => {
  for (const [given, meant] of [
    ["--prot=1", "--port"],
    ["--potr=1", "--port"],
    ["--hots=1", "--host"],
    ["--room-siez=1", "--room-size"],
    ["--turnsecret=x", "--turn-secret"],
    ["--redis-clutser=a:1", "--redis-cluster"],
    ["--log-levle=debug", "--log-level"],
    ["--admin-lisetn=off", "--admin-listen"],
    ["--hlep", "--help"],
    ["--PORT=1", "--port"],
    ["--max-conn=1", "--max-connections"],
    ["--no-trace", "--no-trace-rooms"],
    ["check-confg", "check-config"],
    ["statss", "stats"],
  ] as const) {
    test(given, () => {
      expect(load([given])).toEqual([expect.stringContaining(`: did you mean ${meant}? (see --help)`)])
    })
  }

  test("none is told where none is near", () => {
    for (const given of ["--bogus", "--x", "--tls=x", "--__proto__", "serve"]) {
      expect(load([given])).toEqual([expect.not.stringContaining("did you mean")])
    }
  })

  test("a variable is warned about, not refused", () => {
    const env = { PALAVA_PROT: "1", PALAVA_NOTHING_LIKE_IT: "1", PALAVA_CONFIG: "", PALAVA_PORT: "2", OTHER: "3" }
    expect(loadInvocation([], env).warnings).toEqual([
      "PALAVA_PROT is no variable of this program: did you mean PALAVA_PORT?",
      "PALAVA_NOTHING_LIKE_IT is no variable of this program",
    ])
  })

  test("what Kubernetes tells of a service is no mistake", () => {
    const env = { PALAVA_SERVICE_HOST: "10.0.0.1", PALAVA_WEB_PORT_80_TCP_ADDR: "10.0.0.1", PALAVA_WEB_PORT: "tcp://x" }
    expect(loadInvocation([], env).warnings).toEqual([])
  })
})

describe("--help", () => {
  test("has every option under one heading", () => {
    expect(groupsOfOptions().flatMap(({ names }) => names)).toEqual(OPTION_NAMES)
    for (const { title } of groupsOfOptions()) expect(helpText("1", 80)).toContain(`\n${title}:\n`)
  })

  test("what options do is wrapped at the terminal's width", () => {
    for (const columns of [40, 60, 80, 120]) {
      const told = helpText("1", columns)
        .split("\n")
        .filter((line) => line.startsWith("      "))
      for (const line of told.filter((line) => line.trim().includes(" ")))
        expect(line.length).toBeLessThanOrEqual(columns)
    }
    expect(helpText("1", 500)).toBe(helpText("1", 120))
    expect(helpText("1", 10)).toBe(helpText("1", 40))
  })
})

test("a flag comes before its variable", () => {
  const { config, sources } = loadInvocation(["--room-size", "3"], { PALAVA_ROOM_SIZE: "4" })
  expect([config.roomSize, sources.roomSize]).toEqual([3, "--room-size"])
})

test("a list may be empty, and one bad part of it is one mistake", () => {
  expect(load(["--origin", "https://a", "--origin", "b", "--origin", "c"])).toBeArrayOfSize(2)
  expect((load([]) as { origin: string[] }).origin).toEqual([])
})

test("options that exclude or need each other", () => {
  expect(load(["--redis", "a:1", "--redis-cluster", "b:1"])).toEqual([expect.stringContaining("give one of them")])
  expect(load(["--ice-server", "turn:a"])).toEqual([expect.stringContaining("needs --turn-secret")])
  expect(load(["--ice-server", "turn:a", "--turn-secret", "x"])).not.toBeArray()
  expect(load(["--ping-seconds", "60"])).toEqual([expect.stringContaining("at least 5 more than --ping-seconds (60)")])
  expect(load(["--ping-seconds", "60", "--dead-seconds", "65"])).not.toBeArray()
})

test("names make no trouble: __proto__ and the like are unknown", () => {
  for (const flag of ["--__proto__", "--constructor", "--toString"]) expect(load([flag])).toBeArrayOfSize(1)
})

test("nobody can change the configuration", () => {
  const { config } = loadInvocation([], {})
  expect(Object.isFrozen(config)).toBe(true)
})
