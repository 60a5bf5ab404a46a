// Three pages with the unmodified npm package palava-client 2.2.1 call each other through the executable.

import { afterAll, beforeAll, expect, test } from "bun:test"
import type { Browser } from "playwright-core"
import { startNode } from "../helpers/node.ts"
import { startRedis } from "../helpers/redis.ts"
import { LAUNCH_MS, launchChromium, WAIT_MS } from "./chromium.ts"
import { palavaCall, servePalavaPage } from "./palava-call.ts"

let browser: Browser | undefined
beforeAll(async () => {
  browser = await launchChromium()
}, LAUNCH_MS)
afterAll(() => browser?.close())

test(
  "palava-client: three people see, hear and leave each other",
  async () => {
    if (browser === undefined) throw new Error("no browser")
    await using node = await startNode()
    using site = servePalavaPage()
    await palavaCall(browser, site.url, [node.url])
  },
  WAIT_MS * 4,
)

test(
  "palava-client: the same call with each page on a node of its own",
  async () => {
    if (browser === undefined) throw new Error("no browser")
    await using redis = await startRedis()
    const args = ["--redis", redis.url]
    await using first = await startNode(args)
    await using second = await startNode(args)
    await using third = await startNode(args)
    using site = servePalavaPage()
    await palavaCall(
      browser,
      site.url,
      [first, second, third].map(({ url }) => url),
    )
    await Promise.all([first.stop(), second.stop(), third.stop()])
    expect(await redis.cli("KEYS", "*:room:*")).toBe("\n")
  },
  WAIT_MS * 4,
)
