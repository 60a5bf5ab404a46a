// The Grafana dashboard with the data of a real run: two nodes under live traffic, a Prometheus that scrapes them, and every
// query of every panel. Grafana itself is no package of Debian or npm; with SHOTS set to a folder the panels are drawn at
// their places by a page of ours, after a run of minutes.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { join } from "node:path"
import { launchChromium } from "../browser/chromium.ts"
import { TestClient } from "../helpers/client.ts"
import { LiveTraffic } from "../helpers/live-traffic.ts"
import { startNode, type TestNode } from "../helpers/node.ts"
import { poll, type RedisServer, startRedis } from "../helpers/redis.ts"
import { dashboardPage } from "./dashboard-page.ts"
import { type Prometheus, readPanels, startPrometheus } from "./prometheus.ts"

/** 60 s until all have data: rates need two scrapes, and rooms have to end. */
const DATA_MS = 60_000

/** 150 s of a run are shown: long enough for lines, and a node that comes and goes. */
const SHOWN_SECONDS = 150

const PREFIX = `dashboard-${crypto.randomUUID().slice(0, 8)}`
const shots = process.env["SHOTS"]

let redis: RedisServer
let nodes: TestNode[]
let traffic: LiveTraffic
let prometheus: Prometheus
beforeAll(async () => {
  redis = await startRedis()
  const args = ["--redis", redis.url, "--redis-prefix", PREFIX]
  nodes = await Promise.all([startNode(args), startNode(args)])
  traffic = new LiveTraffic({ nodes, redis: () => [redis], prefix: PREFIX })
  traffic.run()
  prometheus = await startPrometheus(nodes)
})
afterAll(async () => {
  await traffic?.[Symbol.asyncDispose]()
  await prometheus?.[Symbol.asyncDispose]()
  for (const node of nodes ?? []) await node[Symbol.asyncDispose]()
  await redis?.[Symbol.asyncDispose]()
})

/** What live traffic does not do: a client's mistake, and one that the server parts from. */
async function err(): Promise<void> {
  await using client = await TestClient.connect(nodes[0]?.url ?? "")
  client.send("no json")
  await client.next("error")
  client.send(new Uint8Array(1))
  await client.closed
}

test(
  "every query of every panel has data",
  async () => {
    const queries = readPanels().flatMap(({ title, targets = [] }) => targets.map((target) => ({ title, target })))
    expect(queries.length).toBeGreaterThan(30)
    let missing: string[] = []
    const isComplete = async (): Promise<boolean> => {
      await err()
      const answers = await Promise.all(queries.map(({ target }) => prometheus.ask(target, 5)))
      missing = queries.flatMap(({ title, target }, at) =>
        answers[at]?.some(({ values }) => values.length > 0) === true ? [] : [`${title}: ${target.expr}`],
      )
      return missing.length === 0
    }
    await poll(isComplete, DATA_MS).catch(() => {})
    expect(missing).toEqual([])
  },
  2 * DATA_MS,
)

test.skipIf(shots === undefined)(
  "a picture of it (with SHOTS)",
  async () => {
    const until = performance.now() + SHOWN_SECONDS * 1000
    while (performance.now() < until) {
      await err()
      await Bun.sleep(2_000)
    }
    const panels = readPanels()
    const ask = ({ targets = [] }: (typeof panels)[number]) =>
      Promise.all(targets.map((target) => prometheus.ask(target, SHOWN_SECONDS)))
    const data = await Promise.all(panels.map(async (panel) => ({ panel, series: (await ask(panel)).flat() })))
    const browser = await launchChromium()
    try {
      const page = await browser.newPage({ viewport: { width: 1440, height: 900 } })
      await page.setContent(dashboardPage(data))
      await page.screenshot({ path: join(shots ?? "", "dashboard.png"), fullPage: true })
    } finally {
      await browser.close()
    }
  },
  4 * SHOWN_SECONDS * 1000,
)
