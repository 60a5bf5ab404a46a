// What operators watch: the metrics as Prometheus's own checker sees them, their table in docs, the alert rules with
// their tests, the dashboard's queries, and that an idle node sleeps.

import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { makeCertificate } from "../helpers/certificate.ts"
import { TestClient } from "../helpers/client.ts"
import { startNode, type TestNode } from "../helpers/node.ts"
import { type RedisServer, startRedis } from "../helpers/redis.ts"

const ROOT = join(import.meta.dir, "../..")
const read = (path: string): string => readFileSync(join(ROOT, path), "utf8")

/** signaltower's names, which dashboards read: the only ones Prometheus's checker may complain of. */
const KEPT = ["palava_duration_room_milliseconds", "palava_room_peak_users_total"]

let folder: string
let redis: RedisServer
let node: TestNode
let text: string
beforeAll(async () => {
  redis = await startRedis()
  folder = mkdtempSync(join(tmpdir(), "palava-metrics-"))
  const certificate = makeCertificate()
  const files = { cert: join(folder, "cert.pem"), key: join(folder, "key.pem") }
  writeFileSync(files.cert, certificate.cert)
  writeFileSync(files.key, certificate.key)
  // With everything that has metrics of its own.
  const tlsArgs = ["--tls-cert", files.cert, "--tls-key", files.key]
  node = await startNode(["--redis", redis.url, ...tlsArgs, "--plugin", join(ROOT, "examples/hello.ts")])
  const tls = { ca: certificate.cert }
  await using one = await TestClient.connect(node.url, { tls })
  await using other = await TestClient.connect(node.url, { tls })
  await one.join("tea")
  await other.join("tea")
  one.send("no json")
  await one.next("error")
  text = await (await fetch(`${node.adminUrl}metrics`)).text()
})
afterAll(async () => {
  await node[Symbol.asyncDispose]()
  await redis[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true })
})

/** Runs promtool in the folder of the rules: exit code and all it says. */
async function promtool(args: readonly string[], input = ""): Promise<[code: number, output: string]> {
  const cwd = join(ROOT, "deploy/prometheus")
  const child = Bun.spawn(["promtool", ...args], { cwd, stdin: Buffer.from(input), stdout: "pipe", stderr: "pipe" })
  const [code, ...output] = await Promise.all([
    child.exited,
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ])
  return [code, output.join("")]
}

test("promtool check metrics complains of two kept names only", async () => {
  const [, output] = await promtool(["check", "metrics"], text)
  const complaints = output.trimEnd().split("\n")
  expect(complaints.map((line) => line.split(" ")[0])).toEqual(KEPT)
})

/** Name, type and what it tells, of each metric in the Prometheus text format. */
function metricsIn(exposed: string): (string | undefined)[][] {
  const heads = exposed.matchAll(/^# HELP (\S+) (.*)\n# TYPE \S+ (\S+)$/gm)
  return [...heads].map(([, name, help, type]) => [name, type, help])
}

test("those of workers are the same and two of their own, and promtool finds no more in them", async () => {
  const plugin = ["--plugin", join(ROOT, "examples/hello.ts")]
  await using server = await startNode(["--redis", redis.url, "--redis-prefix", "workers", "--workers", "2", ...plugin])
  const exposed = await (await fetch(`${server.adminUrl}metrics`)).text()
  const own = ["palava_workers", "palava_workers_restarted_total"]
  const ofOneNode = metricsIn(text).filter(([name]) => name !== "palava_tls_certificate_expires_timestamp_seconds")
  const ofWorkers = metricsIn(exposed)
  expect(ofWorkers.filter(([name = ""]) => !own.includes(name)).sort()).toEqual(ofOneNode.sort())
  expect(ofWorkers.map(([name]) => name)).toEqual(expect.arrayContaining(own))
  for (const name of own) expect(read("docs/metrics.md")).toContain(`\`${name}\``)
  const [, output] = await promtool(["check", "metrics"], exposed)
  expect(
    output
      .trimEnd()
      .split("\n")
      .map((line) => line.split(" ")[0])
      .sort(),
  ).toEqual(KEPT)
})

describe("docs/metrics.md", () => {
  const rows = [...read("docs/metrics.md").matchAll(/^\| `(\w+)` \| (\w+) \| ([\w, ]*?) ?\| (.+) \|$/gm)]

  test("has each metric with its type and what it tells, and no other", () => {
    expect(rows.map(([, name, type, , help]) => [name, type, help])).toEqual(metricsIn(text))
  })

  test("has the labels", () => {
    const documented = new Map(rows.map(([, name = "", , labels = ""]) => [name, labels.split(", ")]))
    for (const [, sample = "", labels = ""] of text.matchAll(/^(\w+)\{(.*)\} /gm)) {
      const name = documented.has(sample) ? sample : sample.replace(/_(bucket|sum|count)$/, "")
      for (const [, label] of labels.matchAll(/(\w+)="/g)) {
        expect([name, documented.get(name)]).toEqual([name, expect.arrayContaining([label])])
      }
    }
  })
})

describe("alert rules and dashboard", () => {
  test("the rules are rules, and each one's tests pass", async () => {
    expect(await promtool(["check", "rules", "palava-machine.rules.yml"])).toEqual([0, expect.any(String)])
    expect(await promtool(["test", "rules", "palava-machine.rules.test.yml"])).toEqual([0, expect.any(String)])
    const tested = read("deploy/prometheus/palava-machine.rules.test.yml")
    for (const [, alert] of read("deploy/prometheus/palava-machine.rules.yml").matchAll(/- alert: (\w+)/g)) {
      expect(tested).toContain(`alertname: ${alert}\n        exp_alerts:\n          - exp_labels`)
    }
  })

  test("they ask for metrics that there are", () => {
    const dashboard = read("deploy/grafana/palava-machine.json")
    const queries = [...dashboard.matchAll(/"expr": "(.*)"/g)].map(([, query = ""]) => query)
    const rules = [...read("deploy/prometheus/palava-machine.rules.yml").matchAll(/expr: (.*)/g)].map(([, q = ""]) => q)
    const known = new Set([...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name = ""]) => name))
    expect(queries.length).toBeGreaterThan(20)
    for (const query of [...queries, ...rules]) {
      for (const [name] of query.matchAll(/\b(palava|process)_\w+/g)) {
        expect([name, known.has(name) || known.has(name.replace(/_bucket$/, ""))]).toEqual([name, true])
      }
    }
  })

  test("Prometheus can parse the dashboard's queries", async () => {
    const queries = [...read("deploy/grafana/palava-machine.json").matchAll(/"expr": "(.*)"/g)]
    const rules = queries.map(([, query = ""], at) => {
      const expression = (JSON.parse(`"${query}"`) as string).replaceAll("$__rate_interval", "5m")
      return `      - { record: "dashboard:query${at}", expr: ${JSON.stringify(expression)} }`
    })
    const file = `groups:\n  - name: dashboard\n    rules:\n${rules.join("\n")}\n`
    const path = join(ROOT, "dist/dashboard.rules.yml")
    await Bun.write(path, file)
    expect(await promtool(["check", "rules", path])).toEqual([0, expect.any(String)])
  })
})

test("what joins, leaves and statuses took, and the bytes each way", async () => {
  await using own = await startNode()
  await using one = await TestClient.connect(own.url)
  await using other = await TestClient.connect(own.url)
  await one.join("tea")
  await other.join("tea")
  const [received, sent] = await Promise.all(
    ["received", "sent"].map((way) => own.metric("palava_message_bytes_total", `direction="${way}"`)),
  )
  const frame = JSON.stringify({ event: "update_status", status: { name: "Ada" } })
  one.send(frame)
  const told = await other.next("peer_updated_status")
  await other.close()
  await one.next("peer_left")
  const count = (command: string) => own.metric("palava_room_command_seconds_count", `command="${command}"`)
  expect([await count("join"), await count("status"), await count("leave")]).toEqual([2, 1, 1])
  expect(await own.metric("palava_room_command_seconds_sum")).toBeWithin(0, 5)
  expect((await own.metric("palava_message_bytes_total", 'direction="received"')) - (received ?? 0)).toBe(frame.length)
  const left = JSON.stringify({ event: "peer_left", sender_id: other.ownId }).length
  expect((await own.metric("palava_message_bytes_total", 'direction="sent"')) - (sent ?? 0)).toBe(
    2 * JSON.stringify(told).length + left,
  )
})

test("an idle node sleeps", async () => {
  // 60 a second: some 20 are Bun's own, its timers and those of the clock; a sampler at every 10 ms would add 100.
  await using idle = await startNode()
  await using client = await TestClient.connect(idle.url)
  await client.join("quiet")
  const wakeUps = (): number =>
    Number(/^voluntary_ctxt_switches:\s+(\d+)/m.exec(readFileSync(`/proc/${idle.pid}/status`, "utf8"))?.[1])
  const before = wakeUps()
  // Time itself is what is measured here: there is no event to wait for.
  await Bun.sleep(2000)
  expect((wakeUps() - before) / 2).toBeLessThan(60)
})
