// `palava-machine doctor` beside real servers: Debian's redis-server and coturn, a node with TLS, and whatever else may
// stand at an address. Good and broken; each broken one is found, told what to do about, and in the exit code.

import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { createServer } from "node:net"
import { networkInterfaces, tmpdir } from "node:os"
import { join } from "node:path"
import { type CertificateOptions, makeCertificate } from "../helpers/certificate.ts"
import { runExecutable, startNode } from "../helpers/node.ts"
import { freePort, poll, type RedisServer, startRedis } from "../helpers/redis.ts"
import { type Coturn, startCoturn } from "./coturn.ts"

const SECRET = "north wind"
const HAS_IPV6 = Object.values(networkInterfaces()).some((each) => each?.some(({ address }) => address === "::1"))

let folder: string
let redis: RedisServer
let coturn: Coturn
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "palava-doctor-"))
  const started = await Promise.all([startRedis(), startCoturn(SECRET)])
  redis = started[0]
  coturn = started[1]
})
afterAll(async () => {
  await redis[Symbol.asyncDispose]()
  await coturn[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true })
})

/** Runs the doctor: its exit code, and its lines that contain `about`. */
async function examine(args: readonly string[], about = ""): Promise<{ code: number; lines: string }> {
  const { code, stdout, stderr } = await runExecutable(["doctor", ...args])
  expect(stderr).toBe("")
  const lines = stdout.trimEnd().split("\n")
  for (const line of lines.slice(0, -1)) expect(line).toMatch(/^(ok {2}|odd |BAD |- {3}) \S/)
  return { code, lines: lines.filter((line) => line.includes(about)).join("\n") }
}

/** Writes a certificate and its key: the flags. */
function certificate(options: CertificateOptions = {}, chain = "", otherKey?: string): string[] {
  const { cert, key } = makeCertificate(options)
  const [certFile, keyFile] = [join(folder, `${crypto.randomUUID()}.pem`), join(folder, `${crypto.randomUUID()}.pem`)]
  writeFileSync(certFile, cert + chain)
  writeFileSync(keyFile, otherKey ?? key)
  return ["--tls-cert", certFile, "--tls-key", keyFile]
}

/** Nothing listens here, so the ports are free whatever runs on this machine. */
async function freePorts(): Promise<string[]> {
  return ["--port", `${await freePort()}`, "--admin-listen", `127.0.0.1:${await freePort()}`]
}

test("all is well", async () => {
  const turn = ["stun", "turn"].flatMap((scheme) =>
    ["udp", "tcp"].flatMap((way) => ["--ice-server", `${scheme}:127.0.0.1:${coturn.port}?transport=${way}`]),
  )
  const authority = makeCertificate({ name: "authority" })
  const tls = certificate({ toDays: 80, issuer: { name: "authority", key: authority.key } }, authority.cert)
  const common = [
    ...turn,
    "--turn-secret",
    SECRET,
    "--redis",
    redis.url,
    ...tls,
    "--origin",
    "https://call.example.org",
  ]
  await using node = await startNode([...common, "--redis-prefix", "doctor"])
  const ports = ["--port", `${node.port}`, "--host", "127.0.0.1", "--admin-listen", `127.0.0.1:${node.adminPort}`]
  const { code, lines } = await examine([...common, ...ports])
  expect(lines.replace(/\d+\.\d ms|\d+ ms/g, "N ms").split("\n")).toEqual([
    expect.stringMatching(/^ok {3}configuration: good; \d+ options are not the default$/),
    `ok   port ${node.port}: the server runs and is healthy`,
    `ok   metrics at 127.0.0.1:${node.adminPort}: the server tells them`,
    expect.stringMatching(/^ok {3}open files: the server may have \d+$/),
    "ok   clock: as that of Redis",
    expect.stringMatching(/^ok {3}\/.*\.pem: is the key of the certificate$/),
    expect.stringMatching(/^ok {3}\/.*\.pem: valid until \d{4}-\d\d-\d\d, (79|80) days$/),
    expect.stringMatching(/^ok {3}\/.*\.pem: is for localhost, 127\.0\.0\.1$/),
    expect.stringMatching(/^ok {3}\/.*\.pem: has its chain \(2 certificates\)$/),
    `ok   certificate on port ${node.port}: is the one in the file`,
    expect.stringMatching(
      new RegExp(`^ok {3}Redis 127.0.0.1:${redis.port}: Redis \\d+\\.\\d+\\.\\d+, logged in, answers in N ms$`),
    ),
    `ok   Redis 127.0.0.1:${redis.port}: maxmemory-policy noeviction: keeps what it was told`,
    expect.stringMatching(/^ok {3}stun:\S+udp: sees this machine as 127\.0\.0\.1:\d+$/),
    expect.stringMatching(/^ok {3}stun:\S+tcp: sees this machine as 127\.0\.0\.1:\d+$/),
    expect.stringMatching(/^ok {3}turn:\S+udp: relays at 127\.0\.0\.1:\d+$/),
    expect.stringMatching(/^ok {3}turn:\S+tcp: relays at 127\.0\.0\.1:\d+$/),
    `ok   call over wss://127.0.0.1:${node.port}/: set up in N ms`,
    "-    public address: not told: give --url wss://NAME/ to try it the way browsers come",
    "nothing is wrong",
  ])
  expect(code).toBe(0)
  // It leaves nothing behind.
  await poll(async () => (await node.metric("palava_rooms")) === 0)
})

describe("Redis", () => {
  test("that is not there", async () => {
    const { code, lines } = await examine(["--redis", `127.0.0.1:${await freePort()}`], "BAD")
    expect([code, lines]).toEqual([
      1,
      expect.stringMatching(/Redis 127\.0\.0\.1:\d+: nobody listens there: is it running/),
    ])
  })

  test("that refuses the password, which is not shown", async () => {
    await using locked = await startRedis("--requirepass", "right")
    for (const [login, line] of [
      [":hidden@", /WRONGPASS.*put the right user and password/],
      ["", /NOAUTH.*it wants a password/],
    ] as const) {
      const { code, lines } = await examine(["--redis", `redis://${login}127.0.0.1:${locked.port}`], "BAD")
      expect([code, lines]).toEqual([1, expect.stringMatching(line)])
      expect(lines).not.toContain("hidden")
    }
    const { lines } = await examine(["--redis", `redis://:right@127.0.0.1:${locked.port}`], "logged in")
    expect(lines).toStartWith("ok ")
  })

  test("that throws keys away when it is full", async () => {
    await using small = await startRedis("--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru")
    const { code, lines } = await examine(["--redis", small.url], "BAD")
    expect([code, lines]).toEqual([1, expect.stringContaining("maxmemory-policy allkeys-lru: may throw rooms away")])
  })

  test("that is a replica", async () => {
    await using replica = await startRedis("--replicaof", "127.0.0.1", `${redis.port}`)
    const { code, lines } = await examine(["--redis", replica.url], "BAD")
    expect([code, lines]).toEqual([1, expect.stringContaining(`give --redis its primary, 127.0.0.1:${redis.port}`)])
  })

  test("that is no cluster, or one with a master missing", async () => {
    const alone = await examine(["--redis-cluster", redis.url], "BAD")
    expect([alone.code, alone.lines]).toEqual([1, expect.stringContaining("give --redis in place of --redis-cluster")])
    await using part = await startRedis("--cluster-enabled", "yes", "--cluster-port", `${await freePort()}`)
    const broken = await examine(["--redis-cluster", part.url], "BAD")
    expect([broken.code, broken.lines]).toEqual([
      1,
      expect.stringContaining("the cluster is fail, with 0 of 16384 slots served: redis-cli --cluster check"),
    ])
  })
})

describe("STUN and TURN", () => {
  test("a wrong secret", async () => {
    const url = `turn:127.0.0.1:${coturn.port}`
    const { code, lines } = await examine(["--ice-server", url, "--turn-secret", "south wind"], "BAD")
    expect([code, lines]).toEqual([
      1,
      expect.stringMatching(/turn:.*: 401 Unauthorized: turnserver\.conf needs use-auth-secret/),
    ])
  })

  test("nobody there over TCP", async () => {
    const args = ["--ice-server", `turn:127.0.0.1:${await freePort()}?transport=tcp`, "--turn-secret", SECRET]
    const { code, lines } = await examine(args, "BAD")
    expect(code).toBe(1)
    expect(lines).toMatch(/turn:\S+: nobody listens there: is it running on 127\.0\.0\.1, TCP port/)
  })

  test("none at all is odd, not bad", async () => {
    const { code, lines } = await examine(await freePorts(), "STUN")
    expect([code, lines]).toEqual([0, expect.stringMatching(/^odd /)])
  })
})

test("what says nothing does not keep the doctor waiting", async () => {
  const silent = createServer().listen(0, "127.0.0.1")
  await new Promise((resolve) => silent.once("listening", resolve))
  const { port } = silent.address() as { port: number }
  const ice = [
    "--ice-server",
    `stun:127.0.0.1:${port}?transport=tcp`,
    "--ice-server",
    `stun:127.0.0.1:${await freePort()}`,
  ]
  const args = [...(await freePorts()), "--redis", `127.0.0.1:${port}`, "--url", `ws://127.0.0.1:${port}/`, ...ice]
  const begin = performance.now()
  const { code, lines } = await examine(args, "BAD")
  expect(code).toBe(1)
  expect(lines).toMatch(/Redis \S+: no answer within 5 s/)
  expect(lines).toMatch(
    /stun:\S+tcp: no answer within 5 s: is it running on 127\.0\.0\.1, and does its firewall let TCP/,
  )
  expect(lines).toMatch(/stun:\S+\d: (no answer within 5 s|nobody listens there): is it running/)
  expect(lines).toMatch(/call over \S+: no answer within 5 s/)
  expect(performance.now() - begin).toBeLessThan(9_000)
  silent.close()
})

describe("the certificate", () => {
  for (const [what, args, line] of [
    ["expired", () => certificate({ fromDays: -90, toDays: -1 }), /BAD.*expired on .*: renew it/],
    ["of the future", () => certificate({ fromDays: 2, toDays: 90 }), /BAD.*is not valid before/],
    [
      "without a chain",
      () => certificate({ issuer: { name: "authority", key: makeCertificate().key } }),
      /BAD.*has no chain/,
    ],
    ["signed by itself", () => certificate({ toDays: 90 }), /odd.*is signed by itself/],
    [
      "with the key of another",
      () => certificate({}, "", makeCertificate().key),
      /BAD.*is the key of another certificate/,
    ],
    ["with no key", () => certificate({}, "", "hello"), /BAD.*no private key \(PEM\)/],
  ] as const) {
    test(what, async () => {
      const { code, lines } = await examine([...args(), ...(await freePorts())], ".pem")
      expect(lines).toMatch(line)
      expect(code).toBe(line.source.startsWith("BAD") ? 1 : 0)
    })
  }

  for (const host of ["0.0.0.0", "::", "::1"]) {
    test.skipIf(host !== "0.0.0.0" && !HAS_IPV6)(`of a server that listens on ${host}`, async () => {
      const args = [...certificate({ toDays: 90 }), "--host", host]
      await using node = await startNode(args)
      const { code, lines } = await examine([...args, "--port", `${node.port}`, "--admin-listen", "off"])
      expect(lines).toContain(`ok   certificate on port ${node.port}: is the one in the file`)
      expect([code, lines]).toEqual([0, expect.stringContaining(": set up in ")])
    })
  }

  test("soon to expire, for another name than that of --url, and an older one in use", async () => {
    const old = certificate({ toDays: 90 })
    await using node = await startNode(old)
    const port = ["--port", `${node.port}`, "--host", "127.0.0.1"]
    const renewed = certificate({ toDays: 5 })
    const { code, lines } = await examine([...renewed, ...port, "--url", "wss://call.invalid/"])
    expect(code).toBe(1)
    expect(lines).toMatch(/odd.*expires on .*, in [45] days: renew it/)
    expect(lines).toMatch(/BAD.*is for localhost, 127\.0\.0\.1, not for call\.invalid/)
    expect(lines).toMatch(/odd.*certificate on port \d+: is not the one in the file: systemctl reload/)
    expect(lines).toMatch(/BAD.*call over wss:\/\/call\.invalid\/: /)
  })
})

describe("the machine", () => {
  test("a port that something else has", async () => {
    const taken = createServer((socket) => socket.destroy()).listen(0, "127.0.0.1")
    await new Promise((resolve) => taken.once("listening", resolve))
    const { port } = taken.address() as { port: number }
    const { code, lines } = await examine(["--port", `${port}`, "--host", "127.0.0.1"], `port ${port}`)
    expect([code, lines]).toEqual([1, expect.stringMatching(/^BAD.*taken by something else: `ss -ltnp/)])
    taken.close()
  })

  test("too few open files for the connections that are allowed", async () => {
    const args = [...(await freePorts()), "--max-connections", "1000"]
    const command = `ulimit -n 256; exec ${join(import.meta.dir, "../../dist/palava-machine")} doctor ${args.join(" ")}`
    const child = Bun.spawn(["sh", "-c", command], { stdout: "pipe" })
    const output = await new Response(child.stdout).text()
    expect(await child.exited).toBe(1)
    expect(output).toContain(
      "BAD  open files: this command may have 256, too few for --max-connections 1000: set LimitNOFILE",
    )
  })
})

describe("the call", () => {
  const withUrl = async (url: string) => await examine([...(await freePorts()), "--url", url])

  test("through a proxy that does not pass upgrades on, refuses, or finds nobody", async () => {
    let status = 200
    using proxy = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response("", { status }) })
    for (const [given, line] of [
      [200, /answered with 200: the proxy must pass Upgrade/],
      [403, /answered with 403: add --origin/],
      [502, /answered with 502: the proxy does not reach the server/],
      [404, /answered with 404: is the path the one/],
    ] as const) {
      status = given
      const { code, lines } = await withUrl(`ws://127.0.0.1:${proxy.port}/call/`)
      expect([code, lines]).toEqual([1, expect.stringMatching(line)])
    }
  })

  test("to an address where nobody is, or with a certificate that no browser accepts", async () => {
    const nobody = await withUrl(`ws://127.0.0.1:${await freePort()}/`)
    expect([nobody.code, nobody.lines]).toEqual([
      1,
      expect.stringContaining("nobody listens there: does 127.0.0.1 lead to"),
    ])
    await using node = await startNode(certificate())
    const selfSigned = await withUrl(node.url.replace("127.0.0.1", "localhost"))
    expect([selfSigned.code, selfSigned.lines]).toEqual([
      1,
      expect.stringContaining("signed by itself, which no browser accepts"),
    ])
  })

  test("to a server whose origin is another one, and to a good one by an http address", async () => {
    await using node = await startNode(["--origin", "https://elsewhere.example.org"])
    const refused = await withUrl(node.url)
    expect([refused.code, refused.lines]).toEqual([1, expect.stringContaining("answered with 403: add --origin")])
    const args = ["--origin", "https://elsewhere.example.org", "--url", node.httpUrl]
    const { code, lines } = await examine([...(await freePorts()), ...args], "call over")
    expect([code, lines]).toEqual([0, expect.stringMatching(/^ok {3}call over ws:\/\/.*: set up in \d+ ms$/)])
  })

  test("and the clock of who answers", async () => {
    const date = new Date(Date.now() - 3_600_000).toUTCString()
    using late = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch: () => new Response("", { status: 502, headers: { date } }),
    })
    const { lines } = await withUrl(`ws://127.0.0.1:${late.port}/`)
    expect(lines).toMatch(/BAD.*clock: 3(599|60\d)\.\d s ahead of 127\.0\.0\.1:\d+: have both machines keep time/)
  })

  test("an address that is none is a mistake of the command line", async () => {
    const { code, stderr } = await runExecutable(["doctor", "--url", "call.example.org"])
    expect([code, stderr]).toEqual([2, "palava-machine: --url: must be an address such as wss://call.example.org/\n"])
    expect((await runExecutable(["--url", "wss://a/"])).stderr).toContain("--url belongs to the command doctor")
  })
})
