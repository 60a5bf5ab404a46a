// Nodes of the executable under live traffic, for a fault to happen to, and what has to hold after every fault.

import { expect, test } from "bun:test"
import { LiveTraffic, type Tally } from "../helpers/live-traffic.ts"
import { startNode, type TestNode } from "../helpers/node.ts"
import { type NetworkProxy, poll, type RedisServer, startProxy } from "../helpers/redis.ts"
import { keysOf, makePrefix } from "../helpers/redis-stores.ts"

/** 300 messages heard: some hundred actions of every kind before, between and after faults. */
export const SOME_MESSAGES = 300

// 120 s: ten times what the slowest takes, for machines that are as busy.
const TEST_MS = 120_000

// 2 s instead of 10 s: the same faults in a fifth of the time. With less, a busy machine is a fault of its own.
const LEASE_SECONDS = 2

const NO_LOSS = { refused: 0, lost: 0 }

/** What a fault can happen to. */
export interface Site {
  /** The living nodes, which clients connect to. */
  readonly nodes: TestNode[]
  /** Between each node and Redis; none in a cluster. */
  readonly proxies: readonly NetworkProxy[]
  readonly traffic: LiveTraffic
  /** Starts one more node, which is not in `nodes` yet. */
  startNode(): Promise<TestNode>
}

/** How a site is built. */
export interface SiteOptions {
  /** Behind a proxy for each node. */
  readonly redis?: RedisServer
  /** In place of it, without proxies: some nodes of a cluster. */
  readonly cluster?: readonly string[]
  /** Every server that holds keys just now, where that is not `redis`. */
  readonly keepers?: () => readonly RedisServer[]
  readonly leaseSeconds?: number
  readonly args?: readonly string[]
}

/**
 * Lets `fault` happen to three nodes under traffic. Afterwards every client's view equals the truth, none has seen a
 * guarantee broken, traffic goes on without a loss, and Redis is empty once all have left and the nodes have stopped.
 * @returns what became of the messages that were under way around the fault
 */
export async function underTraffic(
  {
    redis,
    cluster = [],
    keepers = () => (redis === undefined ? [] : [redis]),
    leaseSeconds = LEASE_SECONDS,
    args = [],
  }: SiteOptions,
  fault: (site: Site) => Promise<void>,
): Promise<Tally> {
  const prefix = makePrefix()
  const common = ["--redis-prefix", prefix, "--lease-seconds", `${leaseSeconds}`, "--room-size", "8", ...args]
  await using cleanup = new AsyncDisposableStack()
  const proxies: NetworkProxy[] = []
  const start = async () => {
    const place = cluster.flatMap((url) => ["--redis-cluster", url])
    if (redis !== undefined) {
      const proxy = cleanup.use(await startProxy((keepers()[0] ?? redis).port))
      proxies.push(proxy)
      place.push("--redis", `redis://127.0.0.1:${proxy.port}`)
    }
    return cleanup.use(await startNode([...common, ...place]))
  }
  const nodes = [await start(), await start(), await start()]
  const traffic = cleanup.use(new LiveTraffic({ nodes, redis: keepers, prefix }))
  const site = { nodes, proxies, traffic, startNode: start }
  await expectNoLoss(site)

  traffic.run()
  await fault(site)
  await traffic.settle()
  const tally = traffic.tally()
  // What two workers of one server say to each other is not inside of a node.
  if (nodes.every((node) => node.workers().length === 0)) expect(tally.lostInside).toBe(0)

  await expectNoLoss(site)
  await traffic.leave()
  for (const node of nodes) expect(await node.stop()).toBe(0)
  // A node that lost its link within the last lease keeps its lease to the end, as something of it may still arrive. The
  // next node sweeps behind it.
  const nobody = await start()
  const leases = Math.max(1, nobody.workers().length)
  await poll(async () => (await leasesOf(keepers(), prefix)) <= leases)
  expect(await nobody.stop()).toBe(0)
  expect(await keysOf(keepers(), prefix)).toEqual([])
  return tally
}

/** How many nodes Redis knows. */
async function leasesOf(keepers: readonly RedisServer[], prefix: string): Promise<number> {
  const keys = (await keysOf(keepers, prefix)).filter((key) => key.endsWith(":nodes") && !key.includes(":room:"))
  const counts = await Promise.all(
    keepers.flatMap((keeper) => keys.map(async (key) => Number(await keeper.cli("ZCARD", key)) || 0)),
  )
  return Math.max(0, ...counts)
}

/** Lets traffic run while nothing is wrong: every message arrives. */
async function expectNoLoss(site: Site): Promise<void> {
  const { traffic } = site
  const before = await sumOf(site, "palava_store_reconnects_total")
  traffic.run()
  await traffic.heard(SOME_MESSAGES)
  await traffic.settle()
  const { refused, lost } = traffic.tally()
  // A machine so busy that a node had to take its Redis for dead is a fault, too.
  if ((await sumOf(site, "palava_store_reconnects_total")) === before) expect({ refused, lost }).toEqual(NO_LOSS)
}

/** A test of what happens `when` something does, that prints what became of the messages. */
export function testFault(when: string, options: () => SiteOptions, fault: (site: Site) => Promise<void>): void {
  test(
    when,
    async () => {
      const { sent, heard, refused, lost } = await underTraffic(options(), fault)
      console.log(`      ${when}: of ${sent} messages ${heard} arrived, ${refused} were refused, ${lost} were lost`)
    },
    TEST_MS,
  )
}

/** The sum of a metric over all nodes. */
export async function sumOf({ nodes }: Site, metric: string): Promise<number> {
  const values = await Promise.all(nodes.map((node) => node.metric(metric)))
  return values.reduce((sum, value) => sum + value, 0)
}
